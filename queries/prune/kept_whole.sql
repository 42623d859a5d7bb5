-- Whole copies of kept text that stay: new ones, and the last old one of each
-- section. Parameters: last sequence number that is old.
SELECT * FROM kept_whole
WHERE seq > $1 OR (device_id, section, seq) IN (
    SELECT (device_id, section, max(seq)) FROM kept_whole WHERE seq <= $1 GROUP BY device_id, section
);
