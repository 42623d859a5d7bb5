-- The newest comparison counts of every device. Parameters: last sequence number.
-- Rows: device id, agreed, covered, unmanaged.
SELECT device_id, arg_max(agreed, seq), arg_max(covered, seq), arg_max(unmanaged, seq)
FROM compared WHERE seq <= $1
GROUP BY device_id;
