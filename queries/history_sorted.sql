-- What history_list.sql gives, where the table itself is out of order.
-- Parameters: last sequence number. Rows: seq BIGINT, device_id BIGINT, started
-- TIMESTAMP, changed BOOLEAN.
SELECT seq::BIGINT AS seq, device_id::BIGINT AS device_id, started::TIMESTAMP AS started, changed::BOOLEAN AS changed
FROM scan
WHERE outcome = 'complete' AND scope = 'device' AND seq <= $1
ORDER BY seq;
