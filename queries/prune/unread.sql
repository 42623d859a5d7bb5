-- Unread lines that stay: new ones, and the last old ones of each device.
-- Parameters: last sequence number that is old.
SELECT * FROM unread
WHERE seq > $1 OR (device_id, seq) IN (SELECT (device_id, max(seq)) FROM unread WHERE seq <= $1 GROUP BY device_id);
