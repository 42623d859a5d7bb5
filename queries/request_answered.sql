-- Open requests that a later complete scan has answered: of the same part of
-- the device, or of all of it. No parameters. Rows: request, run (the first).
SELECT asked.request, arg_min(s.run, s.seq)::BIGINT
FROM request_open AS asked
JOIN scan AS s ON s.device_id = asked.device_id AND s.seq > asked.seq AND s.outcome = 'complete'
 AND (s.scope = 'device' OR (s.scope = asked.scope AND s.scope_name IS NOT DISTINCT FROM asked.scope_name))
GROUP BY asked.request ORDER BY asked.request;
