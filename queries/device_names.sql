-- Names of devices, retired ones too. Rows: device id, name.
SELECT device_id, name FROM device_now;
