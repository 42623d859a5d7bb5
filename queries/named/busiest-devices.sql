-- Devices by how often a complete scan found them changed, and how many scans that took.
-- $1 newest (number, 50): at most so many.
SELECT d.name AS device, d.role, d.site, count(*) FILTER (s.changed)::BIGINT AS changed_scans,
       count(*)::BIGINT AS scans, max(s.started)::TIMESTAMP AS last_scan
FROM scan AS s JOIN device_now AS d ON d.device_id = s.device_id AND NOT d.retired
WHERE s.outcome = 'complete' AND s.scope = 'device'
GROUP BY d.name, d.role, d.site
ORDER BY changed_scans DESC, d.name LIMIT $1::BIGINT;
