-- The imports of one history, oldest first. Parameters: where it lies. Rows:
-- commit up to which it was read, devices (JSON), what came of it (JSON).
SELECT tip, devices, body FROM past_import WHERE source = $1 ORDER BY seq;
