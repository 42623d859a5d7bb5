-- What `serve` decided about its schedules, newest first.
-- $1 schedule (text): only about this one.
-- $2 newest (number, 200): at most so many.
SELECT happened, schedule, job, what, slot, attempt::BIGINT AS attempt, missed, run, outcome, why
FROM schedule_event WHERE $1::VARCHAR IS NULL OR schedule = $1::VARCHAR
ORDER BY seq DESC LIMIT $2::BIGINT;
