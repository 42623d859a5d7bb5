-- What changed on devices, newest first. A change happened after one time and before the other.
-- $1 device (text): only on this device.
-- $2 newest (number, 1000): at most so many.
SELECT d.name AS device, c.kind, c.key, c.what, c.fields, c.after_time AS after, c.until_time AS until, c.who, c.via
FROM change AS c JOIN device_now AS d ON d.device_id = c.device_id
WHERE $1::VARCHAR IS NULL OR d.name = $1::VARCHAR
ORDER BY c.seq DESC, c.kind, c.key LIMIT $2::BIGINT;
