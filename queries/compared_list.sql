-- The newest comparison counts of devices. Parameters: last sequence number,
-- device ids separated by commas (null: all).
-- Rows: device id, agreed, covered, unmanaged.
SELECT device_id, arg_max(agreed, seq), arg_max(covered, seq), arg_max(unmanaged, seq)
FROM compared
WHERE seq <= $1
  AND ($2::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($2::VARCHAR, ','))::BIGINT))
GROUP BY device_id;
