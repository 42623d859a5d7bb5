-- What is configured on the devices, as last read.
-- $1 device (text): only on this device.
WITH newest AS (
    SELECT * FROM fact QUALIFY row_number() OVER (PARTITION BY device_id, kind, key ORDER BY seq DESC) = 1
)
SELECT d.name AS device, f.kind, f.key, f.parent, f.encapsulation, f.outer_tags AS outer, f.inner_tags AS inner,
       f.tpid, f.l2, f.bundle, f.service_kind, f.service, f.neighbours, f.router_interface, f.admin, f.description
FROM newest AS f JOIN device_now AS d ON d.device_id = f.device_id AND NOT d.retired
WHERE f.present AND ($1::VARCHAR IS NULL OR d.name = $1::VARCHAR)
ORDER BY d.name, f.kind, f.key;
