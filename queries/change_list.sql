-- Changes, oldest first. Parameters: device id (NULL: all), since (the first
-- scan with it), last sequence number.
-- Rows: device id, kind, key, what, fields (JSON), after, until, who, via.
SELECT device_id, kind, key, what, fields, after_time, until_time, who, via
FROM change
WHERE ($1::BIGINT IS NULL OR device_id = $1::BIGINT) AND until_time >= $2 AND seq <= $3
ORDER BY seq, kind, key;
