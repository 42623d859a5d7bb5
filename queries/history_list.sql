-- The food of analysis: the complete device-scope scans, in the order in which
-- they were made. That is the order of the table, which is only ever appended
-- to; sorting ten million rows would cost more than all the rest. Who takes
-- them watches `seq`, and asks history_sorted.sql if it ever falls.
-- Parameters: last sequence number. Rows: seq BIGINT, device_id BIGINT, started
-- TIMESTAMP, changed BOOLEAN.
SELECT seq::BIGINT AS seq, device_id::BIGINT AS device_id, started::TIMESTAMP AS started, changed::BOOLEAN AS changed
FROM scan
WHERE outcome = 'complete' AND scope = 'device' AND seq <= $1;
