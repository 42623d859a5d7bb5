-- The inventory.
SELECT name, address, port::BIGINT AS port, platform, role, site, importance, tags, jump, credential, source
FROM device_now WHERE NOT retired ORDER BY name;
