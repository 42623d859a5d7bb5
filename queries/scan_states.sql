-- What the collector must know of every device before it reads it again.
-- Parameters: last sequence number, device ids (comma-separated; NULL: all).
-- Rows: device id, last complete device-scope scan, its digests (facts, text,
-- observed, and that of the capture) and line counts, how many such scans; last attempt with outcome,
-- detail and seq; first failure since the last complete scan; newest commit
-- mark; failures since the last complete scan; digest of the capture; digest of
-- the facts of the newest suspect scan since the last complete one. The facts and observed digests are NULL when a narrower scan came after
-- the last whole one: they no longer describe what is stored. The facts digest is
-- NULL too when a record changed after it: the two have to be compared again.
WITH mine AS (
    SELECT * FROM scan
    WHERE seq <= $1
      AND ($2::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($2::VARCHAR, ','))::BIGINT))
),
whole AS (
    SELECT device_id, max(seq) AS seq, arg_max(started, seq) AS started, count(*) AS scans,
           arg_max(facts_digest, seq) AS facts_digest, arg_max(text_digest, seq) AS text_digest,
           arg_max(observed_digest, seq) AS observed_digest, arg_max(capture_digest, seq) AS capture_digest,
           arg_max(lines_read, seq) AS lines_read,
           arg_max(lines_ignored, seq) AS lines_ignored, arg_max(lines_unread, seq) AS lines_unread
    FROM mine WHERE outcome = 'complete' AND scope = 'device'
    GROUP BY device_id
),
tried AS (
    SELECT device_id, max(seq) AS seq, arg_max(started, seq) AS started, arg_max(outcome, seq) AS outcome,
           arg_max(coalesce(detail, ''), seq) AS detail, arg_max(commit_mark, seq) AS commit_mark,
           max(seq) FILTER (outcome = 'complete') AS good,
           max(seq) FILTER (outcome = 'complete' AND scope <> 'device') AS narrow,
           max(seq) FILTER (outcome = 'suspect') AS suspected,
           arg_max(facts_digest, seq) FILTER (outcome = 'suspect') AS suspect_digest
    FROM mine GROUP BY device_id
),
failing AS (
    SELECT s.device_id, arg_min(s.started, s.seq) AS since, count(*) AS failures
    FROM mine AS s JOIN tried AS t ON t.device_id = s.device_id
    WHERE t.outcome <> 'complete' AND s.seq > coalesce(t.good, 0)
    GROUP BY s.device_id
)
SELECT t.device_id, w.started,
       CASE WHEN greatest(coalesce(t.narrow, 0), coalesce(r.seq, 0)) < w.seq THEN replace(w.facts_digest::VARCHAR, '-', '') END,
       replace(w.text_digest::VARCHAR, '-', ''),
       CASE WHEN coalesce(t.narrow, 0) < w.seq THEN replace(w.observed_digest::VARCHAR, '-', '') END,
       w.lines_read, w.lines_ignored, w.lines_unread, coalesce(w.scans, 0)::BIGINT,
       t.started, t.outcome, nullif(t.detail, ''), t.seq, f.since, t.commit_mark, coalesce(f.failures, 0)::BIGINT,
       replace(w.capture_digest::VARCHAR, '-', ''),
       CASE WHEN t.suspected > coalesce(t.good, 0) THEN replace(t.suspect_digest::VARCHAR, '-', '') END
FROM tried AS t
LEFT JOIN whole AS w ON w.device_id = t.device_id
LEFT JOIN (
    SELECT device_id, max(seq) AS seq FROM record_event WHERE seq <= $1 GROUP BY device_id
) AS r ON r.device_id = t.device_id
LEFT JOIN failing AS f ON f.device_id = t.device_id;
