-- Runs, newest first. Parameters: run (NULL: all), limit.
-- Rows: run, kind, started, budget, pid, note, finished, outcome, summary (NULLs while unfinished).
SELECT s.run, s.kind, s.happened, s.budget, s.pid, s.body, f.happened, f.outcome, f.body
FROM run_event AS s
LEFT JOIN run_event AS f ON f.run = s.run AND f.what = 'finished'
WHERE s.what = 'started' AND ($1::BIGINT IS NULL OR s.run = $1::BIGINT)
ORDER BY s.run DESC
LIMIT $2;
