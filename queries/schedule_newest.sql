-- What was last decided about each schedule: its newest event of each sort, in
-- the order of decisions. No parameters. Rows: the columns of schedule_event.
SELECT seq, schedule, job, what, slot, attempt, missed, run, outcome, why, pid, happened
FROM schedule_event
QUALIFY row_number() OVER (PARTITION BY schedule, what ORDER BY seq DESC) = 1
ORDER BY seq;
