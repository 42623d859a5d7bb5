-- Decisions about schedules that stay: new ones, and the last of each sort.
-- Parameters: last sequence number that is old.
SELECT * FROM schedule_event
WHERE seq > $1 OR (schedule, what, seq) IN (
    SELECT (schedule, what, max(seq)) FROM schedule_event GROUP BY schedule, what
);
