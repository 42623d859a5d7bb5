-- Steps in the lives of drifts, oldest first. Parameters: since, last sequence
-- number. Rows: device id, drift id, step, kind, key, class, fields (JSON),
-- cause, record, fact, happened. A resolved step shows what was resolved.
WITH told AS (
    SELECT *, lag(record) OVER life AS record_before, lag(fact) OVER life AS fact_before
    FROM drift_event WHERE seq <= $2
    WINDOW life AS (PARTITION BY device_id, drift_id ORDER BY seq)
)
SELECT device_id, drift_id, step, kind, key, class, fields, cause,
       CASE WHEN step = 'resolved' THEN record_before ELSE record END,
       CASE WHEN step = 'resolved' THEN fact_before ELSE fact END, happened
FROM told WHERE happened >= $1
ORDER BY seq, kind, key;
