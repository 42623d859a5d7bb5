-- What each open drift rests on. Parameters: device ids (comma-separated;
-- NULL: all). Rows: device id, drift id; the newest complete scan that covers
-- the thing: its sequence number, run, start, whether it read the whole device;
-- how many such scans there were since the drift is in its class, and how often
-- it was updated since it is open. A drift that no complete scan covers has no row.
WITH events AS (
    SELECT * FROM drift_event
    WHERE $1::VARCHAR IS NULL OR device_id IN (SELECT unnest(string_split($1::VARCHAR, ','))::BIGINT)
),
newest AS (
    SELECT device_id, drift_id, kind, key, class, step, seq FROM events
    QUALIFY row_number() OVER (PARTITION BY device_id, drift_id ORDER BY seq DESC) = 1
),
turned AS (
    SELECT n.device_id, n.drift_id, any_value(n.kind) AS kind, any_value(n.key) AS key, max(n.seq) AS last,
           coalesce(max(e.seq) FILTER (e.class <> n.class OR e.step = 'resolved'), 0) AS other,
           coalesce(max(e.seq) FILTER (e.step IN ('opened', 'returned')), 0) AS opened
    FROM newest AS n JOIN events AS e ON e.device_id = n.device_id AND e.drift_id = n.drift_id
    WHERE n.step <> 'resolved'
    GROUP BY n.device_id, n.drift_id
),
life AS (
    SELECT t.device_id, t.drift_id, any_value(t.kind) AS kind, any_value(t.key) AS key, max(t.last) AS last,
           min(e.seq) FILTER (e.seq > t.other) AS since,
           count(*) FILTER (e.step = 'updated' AND e.seq > t.opened) AS updates
    FROM turned AS t JOIN events AS e ON e.device_id = t.device_id AND e.drift_id = t.drift_id
    GROUP BY t.device_id, t.drift_id
)
SELECT l.device_id, l.drift_id, max(s.seq), arg_max(s.run, s.seq), arg_max(s.started, s.seq)::TIMESTAMP,
       arg_max(s.scope, s.seq) = 'device', count(*) FILTER (s.seq >= l.since)::BIGINT, max(l.updates)::BIGINT
FROM life AS l
JOIN scan AS s ON s.device_id = l.device_id AND s.outcome = 'complete'
 AND (s.scope = 'device' OR s.seq = l.last
      OR (s.scope = l.kind AND s.scope_name = l.key AND s.scope IN ('interface', 'bridge-domain')))
GROUP BY l.device_id, l.drift_id;
