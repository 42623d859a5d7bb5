-- The last sequence number before the first run of the time that is kept.
-- Parameters: since when all is kept. One row: seq, NULL if no run is that young.
SELECT (min(seq) - 1)::BIGINT FROM run_event WHERE what = 'started' AND happened >= $1;
