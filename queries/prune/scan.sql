-- Scans that stay. Parameters: last sequence number that is old. Old ones stay
-- if they failed last, found something, or are the last that say what they say.
SELECT * FROM scan
WHERE seq > $1 OR changed OR text_changed OR facts_digest IS NOT NULL OR text_digest IS NOT NULL
   OR observed_digest IS NOT NULL OR capture_digest IS NOT NULL OR lines_read IS NOT NULL OR commit_mark IS NOT NULL
   OR seq IN (SELECT max(seq) FROM scan WHERE seq <= $1 GROUP BY device_id)
   OR seq IN (SELECT max(seq) FROM scan WHERE seq <= $1 AND outcome = 'complete' GROUP BY device_id)
   OR seq IN (SELECT max(seq) FROM scan WHERE seq <= $1 AND outcome = 'complete' AND scope = 'device' GROUP BY device_id);
