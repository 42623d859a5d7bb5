-- What imported histories tell, by device and time. Parameters: last sequence
-- number. Rows: device id, step, when, how often it was looked at (seconds).
SELECT DISTINCT device_id, step, happened, every_seconds
FROM past_event
WHERE seq <= $1
ORDER BY device_id, happened, step;
