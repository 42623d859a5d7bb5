-- Hints from syslog that a device changed, newest first.
-- $1 device (text): only of this one.
-- $2 newest (number, 200): at most so many.
SELECT s.happened, d.name AS device, s.who, s.via, s.lines
FROM signal s JOIN device_now d ON d.device_id = s.device_id
WHERE $1::VARCHAR IS NULL OR d.name = $1::VARCHAR
ORDER BY s.seq DESC LIMIT $2::BIGINT;
