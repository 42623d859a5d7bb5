-- The inventory, retired devices too, by name.
-- Rows: id, name, address, port, platform, role, site, importance, tags (JSON),
-- jump, credential, source, retired, since (first seen in an inventory).
SELECT d.device_id, d.name, d.address, d.port, d.platform, d.role, d.site, d.importance, d.tags,
       d.jump, d.credential, d.source, d.retired, born.since
FROM device_now AS d
JOIN (SELECT device_id, arg_min(happened, seq) AS since FROM device_event GROUP BY device_id) AS born
  ON born.device_id = d.device_id
ORDER BY d.name, d.device_id;
