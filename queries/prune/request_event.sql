-- Requests that stay: new ones, and old ones that are still open.
-- Parameters: last sequence number that is old.
SELECT * FROM request_event
WHERE seq > $1 OR request IN (SELECT request FROM request_open) OR request IN (SELECT max(request) FROM request_event);
