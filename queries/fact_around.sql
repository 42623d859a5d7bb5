-- Facts of one device around a few things. Parameters: device id, keys (a line
-- each), a port (NULL: none), services (a line each; NULL: none).
-- They are the things of these keys whatever their kind, what is on the port,
-- what is in the services, all VLANs, and one interface that is called as ports
-- are, if there is any. Rows: as `fact_list`.
WITH mine AS (SELECT * FROM fact WHERE device_id = $1),
alive AS (SELECT kind, key, max(seq) AS seq FROM mine GROUP BY kind, key HAVING arg_max(present, seq)),
newest AS (
    SELECT mine.* FROM mine JOIN alive USING (kind, key, seq)
    WHERE key IN (SELECT unnest(string_split($2::VARCHAR, chr(10))))
       OR key = $3::VARCHAR OR parent = $3::VARCHAR
       OR starts_with(key, $3::VARCHAR || '.') OR starts_with(key, $3::VARCHAR || ':')
       OR service IN (SELECT unnest(string_split($4::VARCHAR, chr(10))))
       OR kind = 'vlan'
       OR key = (SELECT min(key) FROM alive WHERE kind = 'interface' AND contains(key, '/'))
),
seen AS (
    SELECT * FROM observation WHERE device_id = $1 AND name IN (SELECT key FROM newest)
    QUALIFY row_number() OVER (PARTITION BY name ORDER BY seq DESC) = 1
)
SELECT f.device_id, f.kind, f.key, f.parent, f.encapsulation, f.outer_tags, f.inner_tags, f.tpid, f.l2,
       f.bundle, f.service_kind, f.service, f.neighbours, f.router_interface, f.admin, f.description,
       f.configured, f.as_printed, f.members,
       CASE WHEN s.seq > f.seq THEN s.oper ELSE f.oper END, CASE WHEN s.seq > f.seq THEN s.mtu ELSE f.mtu END
FROM newest AS f
LEFT JOIN seen AS s ON s.name = f.key AND f.kind = 'interface'
ORDER BY f.kind, f.key;
