-- What scans that found something led to. Parameters: last sequence number.
-- Rows: seq, device id, whether a drift was opened or returned, how many single
-- things had changed.
SELECT coalesce(m.seq, d.seq), coalesce(m.device_id, d.device_id), d.seq IS NOT NULL, coalesce(m.changes, 0)::BIGINT
FROM (SELECT seq, device_id, count(*) AS changes FROM change WHERE seq <= $1 GROUP BY seq, device_id) AS m
FULL JOIN (
    SELECT DISTINCT seq, device_id FROM drift_event WHERE step IN ('opened', 'returned') AND seq <= $1
) AS d ON d.seq = m.seq AND d.device_id = m.device_id;
