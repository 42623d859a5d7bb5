-- The newest whole copy of each section of a device and the splices since.
-- Parameters: device id, last sequence number.
-- Rows: section, seq, head, tail (NULL for a whole copy), body; in the order of application.
WITH whole AS (
    SELECT section, max(seq) AS seq FROM kept_whole
    WHERE device_id = $1 AND seq <= $2 GROUP BY section
)
SELECT k.section, k.seq, NULL::BIGINT, NULL::BIGINT, k.body
FROM kept_whole AS k JOIN whole AS w ON w.section = k.section AND w.seq = k.seq
WHERE k.device_id = $1
UNION ALL
SELECT k.section, k.seq, k.head, k.tail, k.body
FROM kept_splice AS k JOIN whole AS w ON w.section = k.section AND k.seq > w.seq
WHERE k.device_id = $1 AND k.seq <= $2
ORDER BY 1, 2;
