-- Attempts to read devices, newest first.
-- $1 device (text): only of this device.
-- $2 newest (number, 1000): at most so many.
SELECT s.run, d.name AS device, s.scope, s.scope_name, s.reason, s.started::TIMESTAMP AS started,
       s.took_ms::BIGINT AS took_ms, s.outcome, s.detail, s.changed
FROM scan AS s JOIN device_now AS d ON d.device_id = s.device_id
WHERE $1::VARCHAR IS NULL OR d.name = $1::VARCHAR
ORDER BY s.seq DESC LIMIT $2::BIGINT;
