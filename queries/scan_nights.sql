-- On which days a device was completely read. Parameters: first day, last
-- sequence number. Rows: device id, day.
SELECT DISTINCT device_id, date_trunc('day', started)::TIMESTAMP
FROM scan
WHERE outcome = 'complete' AND scope = 'device' AND started >= $1 AND seq <= $2
ORDER BY 1, 2;
