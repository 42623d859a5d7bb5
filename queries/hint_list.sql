-- Hints that devices changed, from all that is stored, oldest first: what the
-- forecast hears between two scans. Parameters: since; last sequence number.
-- Rows: device id, kind, happened.
-- syslog: lines that the device sent. commit-log: an entry of the device's own
-- log that a reading of a part of it was the first to see; one that a whole
-- reading saw explains that reading, and was no hint before it. failed-deploy: a
-- refused deploy. deploy: our own tool wrote records of it, once a write; what a
-- sync or an undo brings back is no deploy.
SELECT device_id, kind, happened FROM (
    SELECT device_id, 'syslog' AS kind, happened FROM signal WHERE seq <= $2
    UNION ALL
    SELECT device_id, 'commit-log', started::TIMESTAMP FROM (
        SELECT device_id, scope, started FROM scan WHERE commit_mark IS NOT NULL AND seq <= $2
        QUALIFY row_number() OVER (PARTITION BY device_id, commit_mark ORDER BY seq) = 1
    ) WHERE scope <> 'device'
    UNION ALL
    SELECT device_id, 'failed-deploy', happened FROM request_event
    WHERE what = 'asked' AND reason = 'conflict' AND seq <= $2
    UNION ALL
    SELECT DISTINCT r.device_id, 'deploy', r.happened
    FROM record_event AS r LEFT JOIN record_change AS c ON c.seq = r.seq
    WHERE r.source = 'deployed' AND r.present AND coalesce(c.what, 'import') IN ('import', 'replace')
      AND r.seq <= $2
)
WHERE happened >= $1
ORDER BY happened, device_id, kind;
