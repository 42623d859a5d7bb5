-- The highest run number. One row: run (0 at first).
SELECT coalesce(max(run), 0)::BIGINT FROM run_event;
