-- What the forecasts of each run add up to. Parameters: last sequence number.
-- Rows: run, devices, expected changed devices, its variance if they change independently.
SELECT run, count(*), sum(p_change / 10000.0)::DOUBLE,
       sum(p_change / 10000.0 * (1 - p_change / 10000.0))::DOUBLE
FROM forecast WHERE seq <= $1
GROUP BY run ORDER BY run;
