-- What the syslog listener heard since a moment, in all. Parameters: since.
-- One row: lines, signals, strangers, limited, garbled, cut, closed, kernel drops, when last (or NULL).
SELECT coalesce(sum(lines), 0)::BIGINT, coalesce(sum(signals), 0)::BIGINT,
       coalesce(sum(strangers), 0)::BIGINT, coalesce(sum(limited), 0)::BIGINT,
       coalesce(sum(garbled), 0)::BIGINT, coalesce(sum(cut), 0)::BIGINT,
       coalesce(sum(closed), 0)::BIGINT, coalesce(sum(kernel_drops), 0)::BIGINT, max(happened)
FROM heard WHERE happened >= $1;
