-- Counts of comparisons that stay: new ones, and the last old one of each device.
-- Parameters: last sequence number that is old.
SELECT * FROM compared
WHERE seq > $1 OR (device_id, seq) IN (SELECT (device_id, max(seq)) FROM compared WHERE seq <= $1 GROUP BY device_id);
