-- Signals since a moment, oldest first. Parameters: since.
-- Rows: device id, happened, who, via, lines.
SELECT device_id, happened, who, via, lines FROM signal WHERE happened >= $1 ORDER BY seq, device_id;
