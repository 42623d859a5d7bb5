-- Devices that agreed on weak SSH algorithms when they last answered, and on which.
-- One that was read whole since without them is not there any more.
-- Parameters: last sequence number. Rows: device id, algorithms.
SELECT w.device_id, arg_max(w.algorithms, w.seq)
FROM weak_algorithms AS w
LEFT JOIN (
    SELECT device_id, max(seq) AS seq FROM scan WHERE outcome = 'complete' AND seq <= $1 GROUP BY device_id
) AS good ON good.device_id = w.device_id
WHERE w.seq <= $1
GROUP BY w.device_id
HAVING max(w.seq) >= coalesce(max(good.seq), 0)
ORDER BY w.device_id;
