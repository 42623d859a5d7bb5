-- Devices whose newest attempt failed: why, and when they were last read.
WITH tried AS (
    SELECT device_id, arg_max(outcome, seq) AS outcome, arg_max(coalesce(detail, ''), seq) AS detail,
           max(started) FILTER (outcome = 'complete' AND scope = 'device') AS last_complete, max(started) AS last_attempt
    FROM scan GROUP BY device_id
)
SELECT d.name AS device, d.site, d.platform, t.outcome, nullif(t.detail, '') AS detail,
       t.last_complete::TIMESTAMP AS last_complete, t.last_attempt::TIMESTAMP AS last_attempt
FROM tried AS t JOIN device_now AS d ON d.device_id = t.device_id AND NOT d.retired
WHERE t.outcome <> 'complete' ORDER BY t.last_complete NULLS FIRST, d.name;
