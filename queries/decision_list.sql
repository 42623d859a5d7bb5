-- Decisions about refused deploys, newest first. Parameters: last sequence
-- number, whether only those that are sync debt: the newest about their thing
-- (an abort settles nothing, so it does not count), a skip or an override, and
-- neither the record nor the drift was settled since.
-- Rows: seq, device id, kind, key, choice, class, wanted, fact, record, who,
-- why, evidence, until, request, happened.
WITH decided AS (
    SELECT *, row_number() OVER (PARTITION BY device_id, kind, key ORDER BY seq DESC) AS place
    FROM decision_event WHERE seq <= $1 AND NOT ($2 AND choice = 'abort')
)
SELECT d.seq, d.device_id, d.kind, d.key, d.choice, d.class, d.wanted, d.fact, d.record, d.who, d.why,
       d.evidence, d.until, d.request, d.happened
FROM decided AS d
WHERE NOT $2 OR (
    d.place = 1 AND d.choice IN ('skip', 'override')
    AND NOT EXISTS (
        SELECT 1 FROM drift_event AS e WHERE e.device_id = d.device_id AND e.kind = d.kind
        AND e.key = d.key AND e.step = 'resolved' AND e.seq > d.seq AND e.seq <= $1
    )
    AND NOT EXISTS (
        SELECT 1 FROM record_event AS r WHERE r.device_id = d.device_id AND r.kind = d.kind
        AND r.key = d.key AND r.seq > d.seq AND r.seq <= $1
    )
)
ORDER BY d.seq DESC, d.kind, d.key;
