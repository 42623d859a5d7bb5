-- Lines that the complete device-scope scans of a run could not read. They are
-- written when they change, so they may come from an earlier scan.
-- Parameters: run. Rows: device id, line, content.
WITH these AS (
    SELECT device_id, max(seq) AS seq FROM scan
    WHERE run = $1 AND outcome = 'complete' AND scope = 'device' GROUP BY device_id
),
counted AS (
    SELECT t.device_id, t.seq FROM these AS t
    JOIN scan AS s ON s.device_id = t.device_id AND s.seq <= t.seq
    WHERE s.outcome = 'complete' AND s.scope = 'device'
    GROUP BY t.device_id, t.seq HAVING arg_max(s.lines_unread, s.seq) > 0
),
newest AS (
    SELECT c.device_id, max(u.seq) AS seq
    FROM counted AS c JOIN unread AS u ON u.device_id = c.device_id AND u.seq <= c.seq
    GROUP BY c.device_id
)
SELECT u.device_id, u.line, u.content
FROM unread AS u JOIN newest AS n ON n.device_id = u.device_id AND n.seq = u.seq
ORDER BY u.device_id, u.line;
