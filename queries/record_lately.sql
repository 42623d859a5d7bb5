-- What syncs did to records that were there, unless a person lifted a limit
-- for it. Parameters: since, the hash of a plan that does not count. One row: updates, removals.
WITH told AS (
    SELECT seq, present, happened, lag(present) OVER (PARTITION BY device_id, kind, key ORDER BY seq) AS before
    FROM record_event
)
SELECT count(*) FILTER (t.present AND coalesce(t.before, false))::BIGINT, count(*) FILTER (NOT t.present)::BIGINT
FROM told AS t JOIN record_change AS c ON c.seq = t.seq
WHERE c.what IN ('sync', 'policy') AND c.allowed IS NULL AND t.happened >= $1 AND c.plan IS DISTINCT FROM $2;
