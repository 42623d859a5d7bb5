-- Facts of some devices. Parameters: device ids (comma-separated), last
-- sequence number. Rows: device id and the columns of a fact, with the newest
-- observation of oper and mtu.
WITH wanted AS (SELECT unnest(string_split($1, ','))::BIGINT AS device_id),
newest AS (
    SELECT * FROM fact
    WHERE device_id IN (SELECT device_id FROM wanted) AND seq <= $2
    QUALIFY row_number() OVER (PARTITION BY device_id, kind, key ORDER BY seq DESC) = 1
),
seen AS (
    SELECT * FROM observation
    WHERE device_id IN (SELECT device_id FROM wanted) AND seq <= $2
    QUALIFY row_number() OVER (PARTITION BY device_id, name ORDER BY seq DESC) = 1
)
SELECT f.device_id, f.kind, f.key, f.parent, f.encapsulation, f.outer_tags, f.inner_tags, f.tpid, f.l2,
       f.bundle, f.service_kind, f.service, f.neighbours, f.router_interface, f.admin, f.description,
       f.configured, f.as_printed, f.members,
       CASE WHEN s.seq > f.seq THEN s.oper ELSE f.oper END, CASE WHEN s.seq > f.seq THEN s.mtu ELSE f.mtu END
FROM newest AS f
LEFT JOIN seen AS s ON s.device_id = f.device_id AND s.name = f.key AND f.kind = 'interface'
WHERE f.present
ORDER BY f.device_id, f.kind, f.key;
