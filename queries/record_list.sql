-- Records. Parameters: device ids (comma-separated; NULL: all), last sequence number,
-- keys (a line each; NULL: all).
-- Rows, in no order: device id, seq, and the columns of a record; source, who, why, happened.
-- The newest row of each is found by its number first: sorting whole rows by
-- their key would take more memory than the answer.
WITH newest AS (
    SELECT device_id, kind, key, max(seq) AS seq
    FROM record_event
    WHERE seq <= $2
      AND ($1::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($1::VARCHAR, ','))::BIGINT))
      AND ($3::VARCHAR IS NULL OR key IN (SELECT unnest(string_split($3::VARCHAR, chr(10)))))
    GROUP BY device_id, kind, key
)
SELECT r.device_id, r.seq, r.kind, r.key, r.present, r.parent, r.encapsulation, r.outer_tags, r.inner_tags, r.tpid,
       r.l2, r.bundle, r.service_kind, r.service, r.neighbours, r.router_interface, r.admin, r.description, r.source,
       r.who, r.why, r.happened
FROM record_event AS r
JOIN newest AS n ON n.device_id = r.device_id AND n.seq = r.seq AND n.kind = r.kind AND n.key = r.key
WHERE r.present;
