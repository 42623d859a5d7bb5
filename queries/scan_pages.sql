-- The newest attempts to read some devices, newest first. Parameters: device ids
-- (comma-separated), how many of each, last sequence number.
-- Rows: device id, run, scope, its name, start, outcome, detail.
SELECT device_id, run, scope, scope_name, started, outcome, detail
FROM scan
WHERE device_id IN (SELECT unnest(string_split($1, ','))::BIGINT) AND seq <= $3
QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY seq DESC) <= $2
ORDER BY device_id, seq DESC;
