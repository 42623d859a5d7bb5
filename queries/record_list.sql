-- Records. Parameters: device ids (comma-separated; NULL: all), last sequence number,
-- keys (a line each; NULL: all).
-- Rows: device id, seq, and the columns of a record; source, who, why, happened.
SELECT device_id, seq, kind, key, present, parent, encapsulation, outer_tags, inner_tags, tpid, l2, bundle,
       service_kind, service, neighbours, router_interface, admin, description, source, who, why, happened
FROM record_event
WHERE seq <= $2
  AND ($1::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($1::VARCHAR, ','))::BIGINT))
  AND ($3::VARCHAR IS NULL OR key IN (SELECT unnest(string_split($3::VARCHAR, chr(10)))))
QUALIFY row_number() OVER (PARTITION BY device_id, kind, key ORDER BY seq DESC) = 1 AND present
ORDER BY device_id, kind, key;
