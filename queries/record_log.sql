-- The audit trail of the records, newest first, with what stood before each
-- row. Parameters: device id (NULL: all), change (its sequence number; NULL:
-- all), the beginning of a plan's hash (NULL: all), limit.
-- Rows: the columns of record_list of the row, the same of the one before it
-- (NULL: none); which version it is, the newest sequence number of the record;
-- what, plan, run, undoes. present = false is a removal.
WITH told AS (
    SELECT *, lag(seq) OVER life AS before_seq, row_number() OVER life AS version,
           max(seq) OVER (PARTITION BY device_id, kind, key) AS newest_seq
    FROM record_event
    WINDOW life AS (PARTITION BY device_id, kind, key ORDER BY seq)
),
page AS (
    SELECT t.*, c.what, c.plan, c.run, c.undoes
    FROM told AS t LEFT JOIN record_change AS c ON c.seq = t.seq
    WHERE ($1::BIGINT IS NULL OR t.device_id = $1::BIGINT)
      AND ($2::BIGINT IS NULL OR t.seq = $2::BIGINT)
      AND ($3::VARCHAR IS NULL OR starts_with(c.plan, $3::VARCHAR))
    ORDER BY t.seq DESC, t.kind, t.key LIMIT $4
)
SELECT p.device_id, p.seq, p.kind, p.key, p.present, p.parent, p.encapsulation, p.outer_tags, p.inner_tags, p.tpid,
       p.l2, p.bundle, p.service_kind, p.service, p.neighbours, p.router_interface, p.admin, p.description,
       p.source, p.who, p.why, p.happened,
       b.device_id, b.seq, b.kind, b.key, b.present, b.parent, b.encapsulation, b.outer_tags, b.inner_tags, b.tpid,
       b.l2, b.bundle, b.service_kind, b.service, b.neighbours, b.router_interface, b.admin, b.description,
       b.source, b.who, b.why, b.happened,
       p.version, p.newest_seq, p.what, p.plan, p.run, p.undoes
FROM page AS p
LEFT JOIN record_event AS b
  ON b.device_id = p.device_id AND b.kind = p.kind AND b.key = p.key AND b.seq = p.before_seq
ORDER BY p.seq DESC, p.device_id, p.kind, p.key;
