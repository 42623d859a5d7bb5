-- Open drifts with their age, oldest first.
-- $1 device (text): only of this device.
WITH newest AS (
    SELECT * FROM drift_event QUALIFY row_number() OVER (PARTITION BY device_id, drift_id ORDER BY seq DESC) = 1
),
life AS (
    SELECT device_id, drift_id, arg_min(happened, seq) AS first_seen,
           count(*) FILTER (step = 'returned')::BIGINT AS recurrences
    FROM drift_event GROUP BY device_id, drift_id
)
SELECT d.name AS device, d.site, n.kind, n.key, n.class, n.cause, l.first_seen, l.recurrences, n.drift_id AS id
FROM newest AS n
JOIN life AS l ON l.device_id = n.device_id AND l.drift_id = n.drift_id
JOIN device_now AS d ON d.device_id = n.device_id AND NOT d.retired
WHERE n.step <> 'resolved' AND ($1::VARCHAR IS NULL OR d.name = $1::VARCHAR)
ORDER BY l.first_seen, d.name, n.key;
