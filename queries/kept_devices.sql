-- Devices of which any text is kept. Rows: device id.
SELECT DISTINCT device_id FROM kept_whole;
