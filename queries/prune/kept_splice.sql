-- Splices of kept text that stay: those since the last old whole copy of their
-- section. Parameters: last sequence number that is old.
SELECT s.* FROM kept_splice AS s
WHERE s.seq > $1 OR s.seq > (
    SELECT coalesce(max(w.seq), 0) FROM kept_whole AS w
    WHERE w.device_id = s.device_id AND w.section = s.section AND w.seq <= $1
);
