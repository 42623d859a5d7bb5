-- Up to which sequence number the past was thinned out. One row: seq (0: never).
SELECT coalesce(max(until_seq), 0)::BIGINT FROM prune_event;
