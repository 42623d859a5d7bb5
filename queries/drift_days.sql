-- Drifts by day. Parameters: last sequence number.
-- Rows: day, opened, resolved, returned, open at its end. Days without an event are left out.
SELECT day, opened, resolved, returned,
       (sum(opened + returned - resolved) OVER (ORDER BY day))::BIGINT
FROM (
    SELECT date_trunc('day', happened)::TIMESTAMP AS day,
           count(*) FILTER (step = 'opened') AS opened,
           count(*) FILTER (step = 'resolved') AS resolved,
           count(*) FILTER (step = 'returned') AS returned
    FROM drift_event WHERE seq <= $1 GROUP BY 1
)
ORDER BY day;
