-- Each forecast with what the scan of the same run then found: the food of
-- calibration. Parameters: last sequence number.
-- Rows: run BIGINT, device_id BIGINT, p DOUBLE, changed BOOLEAN.
SELECT f.run::BIGINT AS run, f.device_id::BIGINT AS device_id,
       (f.p_change / 10000.0)::DOUBLE AS p, s.changed::BOOLEAN AS changed
FROM forecast AS f
JOIN scan AS s ON s.run = f.run AND s.device_id = f.device_id AND s.seq > f.seq
WHERE s.outcome = 'complete' AND s.scope = 'device' AND s.seq <= $1
ORDER BY s.seq;
