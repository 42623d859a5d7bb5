-- The last sequence number that belongs to the world as a run left it: its
-- newest scan or what it synced by policy, or its start if it has none.
-- Parameters: run. One row: seq or NULL.
SELECT greatest((SELECT max(seq) FROM scan WHERE run = $1),
                (SELECT max(seq) FROM record_change WHERE run = $1 AND what = 'policy'),
                (SELECT max(seq) FROM run_event WHERE run = $1 AND what = 'started'))::BIGINT;
