-- The food of analysis: one row a complete device-scope scan, by device and
-- order. Parameters: last sequence number.
-- Rows: device_id BIGINT, started TIMESTAMP, changed BOOLEAN, drifted BOOLEAN
-- (a drift was opened or returned by it), changes BIGINT.
WITH drifted AS (
    SELECT DISTINCT seq, device_id FROM drift_event WHERE step IN ('opened', 'returned') AND seq <= $1
),
moved AS (SELECT seq, device_id, count(*) AS changes FROM change WHERE seq <= $1 GROUP BY seq, device_id)
SELECT s.device_id::BIGINT AS device_id, s.started::TIMESTAMP AS started, s.changed::BOOLEAN AS changed,
       (d.seq IS NOT NULL)::BOOLEAN AS drifted, coalesce(m.changes, 0)::BIGINT AS changes
FROM scan AS s
LEFT JOIN drifted AS d ON d.seq = s.seq AND d.device_id = s.device_id
LEFT JOIN moved AS m ON m.seq = s.seq AND m.device_id = s.device_id
WHERE s.outcome = 'complete' AND s.scope = 'device' AND s.seq <= $1
ORDER BY s.device_id, s.seq;
