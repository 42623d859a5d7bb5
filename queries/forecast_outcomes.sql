-- Each forecast with what the scan of the same run then found, where chance and
-- not the forecast chose the device: drawn at random, or on a night that read
-- everything. The food of calibration. Parameters: last sequence number.
-- Rows: run BIGINT, device_id BIGINT, p DOUBLE, changed BOOLEAN, started TIMESTAMP.
SELECT f.run::BIGINT AS run, f.device_id::BIGINT AS device_id,
       (f.p_change / 10000.0)::DOUBLE AS p, s.changed::BOOLEAN AS changed, s.started::TIMESTAMP AS started
FROM forecast AS f
JOIN scan AS s ON s.run = f.run AND s.device_id = f.device_id AND s.seq > f.seq
WHERE s.outcome = 'complete' AND s.scope = 'device' AND s.reason IN ('sample', 'full') AND s.seq <= $1
ORDER BY s.seq;
