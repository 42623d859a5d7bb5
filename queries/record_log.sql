-- The audit trail of the records, newest first. Parameters: device id (NULL:
-- all), limit. Rows: as in record_list; present = false is a removal.
SELECT device_id, seq, kind, key, present, parent, encapsulation, outer_tags, inner_tags, tpid, l2, bundle,
       service_kind, service, neighbours, router_interface, admin, description, source, who, why, happened
FROM record_event
WHERE $1::BIGINT IS NULL OR device_id = $1::BIGINT
ORDER BY seq DESC, kind, key
LIMIT $2;
