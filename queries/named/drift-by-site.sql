-- How many drifts are open in each site, by class.
WITH newest AS (
    SELECT * FROM drift_event QUALIFY row_number() OVER (PARTITION BY device_id, drift_id ORDER BY seq DESC) = 1
)
SELECT d.site, count(*)::BIGINT AS open, count(*) FILTER (n.class = 'unrecorded')::BIGINT AS unrecorded,
       count(*) FILTER (n.class = 'missing')::BIGINT AS missing,
       count(*) FILTER (n.class = 'differs')::BIGINT AS differs, count(DISTINCT n.device_id)::BIGINT AS devices
FROM newest AS n JOIN device_now AS d ON d.device_id = n.device_id AND NOT d.retired
WHERE n.step <> 'resolved'
GROUP BY d.site ORDER BY open DESC, d.site;
