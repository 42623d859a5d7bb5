-- Observations that stay: new ones, and the last old one of each interface.
-- Parameters: last sequence number that is old.
SELECT * FROM observation
WHERE seq > $1 OR (device_id, name, seq) IN (
    SELECT (device_id, name, max(seq)) FROM observation WHERE seq <= $1 GROUP BY device_id, name
);
