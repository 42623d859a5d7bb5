-- Open requests, oldest first.
-- Rows: request, device id, scope, scope name, reason, why, asked.
SELECT request, device_id, scope, scope_name, reason, why, happened FROM request_open ORDER BY request;
