-- What each rule for noise did so far. Parameters: last sequence number; a run
-- whose own rows count too, although they come behind its scans (or NULL).
-- Rows: rule, known since, times it fired, runs in which it did, last fired.
SELECT
    rule,
    min(happened),
    sum(times)::BIGINT,
    count(*) FILTER (times > 0),
    max(happened) FILTER (times > 0)
FROM ignore_event WHERE seq <= $1 OR run = $2
GROUP BY rule
ORDER BY rule;
