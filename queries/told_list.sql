-- What a channel was told last of each item. Parameters: channel.
-- Rows: item, state, label, happened.
SELECT item, state, label, happened
FROM told_event WHERE channel = $1
QUALIFY row_number() OVER (PARTITION BY item ORDER BY seq DESC) = 1
ORDER BY item;
