-- Forecasts of a run. Parameters: run. Rows: device id, p_change, p_drift (0 to 1).
SELECT device_id, p_change / 10000.0::DOUBLE, p_drift / 10000.0::DOUBLE
FROM forecast WHERE run = $1
QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY seq DESC) = 1
ORDER BY device_id;
