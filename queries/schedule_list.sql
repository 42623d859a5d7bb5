-- All decisions about schedules, in their order. Parameters: schedule (NULL:
-- all). Rows: the columns of schedule_event.
SELECT seq, schedule, job, what, slot, attempt, missed, run, outcome, why, pid, happened
FROM schedule_event
WHERE $1::VARCHAR IS NULL OR schedule = $1::VARCHAR
ORDER BY seq;
