-- The newest sequence number of the whole database. One row: seq (0 at first).
SELECT coalesce(max(seq), 0)::BIGINT FROM (
    SELECT max(seq) AS seq FROM write_event UNION ALL
    SELECT max(seq) FROM device_event UNION ALL
    SELECT max(seq) FROM run_event UNION ALL
    SELECT max(seq) FROM forecast UNION ALL
    SELECT max(seq) FROM scan UNION ALL
    SELECT max(seq) FROM drift_event UNION ALL
    SELECT max(seq) FROM record_event UNION ALL
    SELECT max(seq) FROM request_event UNION ALL
    SELECT max(seq) FROM schedule_event UNION ALL
    SELECT max(seq) FROM signal UNION ALL
    SELECT max(seq) FROM heard UNION ALL
    SELECT max(seq) FROM delivery_event UNION ALL
    SELECT max(seq) FROM prune_event UNION ALL
    SELECT max(seq) FROM decision_event
);
