-- The weak SSH algorithms that a session agreed on, by exception for that device.
-- One row a scan that did, with the scan's seq. algorithms: separated by ', '.
CREATE TABLE weak_algorithms (seq BIGINT, device_id BIGINT, algorithms VARCHAR);
