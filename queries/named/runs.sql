-- Runs, newest first.
-- $1 newest (number, 100): at most so many.
SELECT s.run, s.kind, s.happened AS started, f.happened AS finished, f.outcome, s.budget, f.body AS summary
FROM run_event AS s LEFT JOIN run_event AS f ON f.run = s.run AND f.what = 'finished'
WHERE s.what = 'started' ORDER BY s.run DESC LIMIT $1::BIGINT;
