-- What sessions cost. Parameters: first start, last sequence number.
-- Rows: one; sessions, complete ones, complete ones that found a change, median, 5 % and
-- 95 % quantile of the milliseconds of a complete one, milliseconds of all.
SELECT count(*),
       count(*) FILTER (outcome = 'complete'),
       count(*) FILTER (outcome = 'complete' AND changed),
       (median(took_ms) FILTER (outcome = 'complete'))::DOUBLE,
       (quantile_cont(took_ms, 0.05) FILTER (outcome = 'complete'))::DOUBLE,
       (quantile_cont(took_ms, 0.95) FILTER (outcome = 'complete'))::DOUBLE,
       coalesce(sum(took_ms), 0)::DOUBLE
FROM scan WHERE scope = 'device' AND outcome <> 'unsupported' AND started >= $1 AND seq <= $2;
