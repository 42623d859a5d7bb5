-- Attempts, newest first, with what a quiet scan left out filled in from the
-- last complete device-scope scan. Parameters: device id (NULL: all), run
-- (NULL: all), limit, last sequence number. Rows: the columns of `scan`.
WITH these AS (
    SELECT * FROM scan
    WHERE ($1::BIGINT IS NULL OR device_id = $1::BIGINT) AND ($2::BIGINT IS NULL OR run = $2::BIGINT) AND seq <= $4
    ORDER BY seq DESC LIMIT $3
),
known AS (
    SELECT t.seq, arg_max(s.facts_digest, s.seq) AS facts_digest, arg_max(s.text_digest, s.seq) AS text_digest,
           arg_max(s.observed_digest, s.seq) AS observed_digest, arg_max(s.lines_read, s.seq) AS lines_read,
           arg_max(s.lines_ignored, s.seq) AS lines_ignored, arg_max(s.lines_unread, s.seq) AS lines_unread
    FROM these AS t JOIN scan AS s ON s.device_id = t.device_id AND s.seq <= t.seq
    WHERE t.outcome = 'complete' AND t.scope = 'device' AND s.outcome = 'complete' AND s.scope = 'device'
    GROUP BY t.seq
)
SELECT t.seq, t.run, t.device_id, t.scope, t.scope_name, t.reason, t.started, t.took_ms, t.outcome, t.detail,
       coalesce(t.lines_read, k.lines_read), coalesce(t.lines_ignored, k.lines_ignored),
       coalesce(t.lines_unread, k.lines_unread),
       replace(coalesce(t.facts_digest, k.facts_digest)::VARCHAR, '-', ''),
       replace(coalesce(t.text_digest, k.text_digest)::VARCHAR, '-', ''),
       replace(coalesce(t.observed_digest, k.observed_digest)::VARCHAR, '-', ''),
       t.changed, t.text_changed
FROM these AS t LEFT JOIN known AS k ON k.seq = t.seq
ORDER BY t.seq DESC;
