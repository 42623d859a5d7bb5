-- The highest request number. One row: request (0 at first).
SELECT coalesce(max(request), 0)::BIGINT FROM request_event;
