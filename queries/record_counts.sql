-- How many records there are. Rows: device id, kind, count.
SELECT device_id, kind, count(*)::BIGINT
FROM (
    SELECT device_id, kind, present FROM record_event
    QUALIFY row_number() OVER (PARTITION BY device_id, kind, key ORDER BY seq DESC) = 1
)
WHERE present
GROUP BY device_id, kind;
