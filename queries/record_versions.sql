-- Which version each record has, those that were removed too. Parameters:
-- device ids (comma-separated; NULL: all).
-- Rows: device id, kind, key, newest sequence number, how many versions there were.
SELECT device_id, kind, key, max(seq), count(*)::BIGINT
FROM record_event
WHERE $1::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($1::VARCHAR, ','))::BIGINT)
GROUP BY device_id, kind, key;
