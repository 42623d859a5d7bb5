-- Forecasts that stay. Parameters: last sequence number that is old.
SELECT * FROM forecast WHERE seq > $1;
