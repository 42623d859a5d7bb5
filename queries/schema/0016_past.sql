-- What another tool's history says of a device: when its configuration came,
-- changed, was the same, and when it was no longer looked at. It teaches rates
-- and is no scan. step: came, changed, same, gone. every_seconds: how often it
-- was looked at.
CREATE TABLE past_event (seq BIGINT, device_id BIGINT, step VARCHAR, happened TIMESTAMP, every_seconds BIGINT);

-- Which history was imported, and up to which commit. source: where it lies.
-- devices: JSON, the ids of those it was read for. body: JSON, what came of it.
CREATE TABLE past_import (
    seq BIGINT, source VARCHAR, tip VARCHAR, devices VARCHAR, body VARCHAR, who VARCHAR, happened TIMESTAMP
);
