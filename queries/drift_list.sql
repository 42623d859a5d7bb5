-- Drifts by their newest event. Parameters: last sequence number, device ids
-- (comma-separated; NULL: all), whether to list the resolved ones, keys (a line
-- each; NULL: all).
-- Rows: device id, drift id, kind, key, class, fields (JSON), cause, record,
-- fact, first seen, last seen (the newest scan that still had it), recurrences, since when
-- it is open this time.
WITH events AS (
    SELECT * FROM drift_event
    WHERE seq <= $1
      AND ($2::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($2::VARCHAR, ','))::BIGINT))
      AND ($4::VARCHAR IS NULL OR key IN (SELECT unnest(string_split($4::VARCHAR, chr(10)))))
),
newest AS (
    SELECT * FROM events
    QUALIFY row_number() OVER (PARTITION BY device_id, drift_id ORDER BY seq DESC) = 1
),
life AS (
    SELECT device_id, drift_id, arg_min(happened, seq) AS first_seen,
           arg_max(happened, seq) FILTER (step IN ('opened', 'returned')) AS since,
           count(*) FILTER (step = 'returned') AS recurrences
    FROM events GROUP BY device_id, drift_id
),
read AS (
    SELECT device_id, arg_max(started, seq)::TIMESTAMP AS started FROM scan
    WHERE outcome = 'complete' AND scope = 'device' AND seq <= $1 GROUP BY device_id
)
SELECT n.device_id, n.drift_id, n.kind, n.key, n.class, n.fields, n.cause, n.record, n.fact,
       l.first_seen, greatest(n.happened, coalesce(r.started, n.happened)), l.recurrences::BIGINT,
       coalesce(l.since, l.first_seen)
FROM newest AS n
JOIN life AS l ON l.device_id = n.device_id AND l.drift_id = n.drift_id
LEFT JOIN read AS r ON r.device_id = n.device_id
WHERE (n.step = 'resolved') = $3
ORDER BY n.device_id, n.kind, n.key;
