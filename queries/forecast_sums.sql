-- What the forecasts of each run add up to: when it began, and what was left of
-- it when the devices that it read completely were no longer in doubt.
-- Parameters: last sequence number.
-- Rows: run, devices, expected changed devices, its variance if they change
-- independently, and the last two again without the devices that were read.
SELECT f.run, count(*), sum(f.p)::DOUBLE, sum(f.p * (1 - f.p))::DOUBLE,
       coalesce(sum(f.p) FILTER (s.run IS NULL), 0)::DOUBLE,
       coalesce(sum(f.p * (1 - f.p)) FILTER (s.run IS NULL), 0)::DOUBLE
FROM (SELECT run, device_id, p_change / 10000.0 AS p FROM forecast WHERE seq <= $1) AS f
LEFT JOIN (
    SELECT DISTINCT run, device_id FROM scan WHERE outcome = 'complete' AND scope = 'device' AND seq <= $1
) AS s ON s.run = f.run AND s.device_id = f.device_id
GROUP BY f.run ORDER BY f.run;
