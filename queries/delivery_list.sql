-- The newest try of each channel to tell. No parameters.
-- Rows: channel, run (or NULL), outcome, why, items, happened, when it last worked (or NULL), failures since.
SELECT channel, run, outcome, why, items, happened,
       (SELECT max(good.happened) FROM delivery_event good
        WHERE good.channel = newest.channel AND good.outcome <> 'failed'),
       (SELECT count(*) FROM delivery_event bad
        WHERE bad.channel = newest.channel AND bad.outcome = 'failed' AND bad.seq > coalesce(
            (SELECT max(good.seq) FROM delivery_event good
             WHERE good.channel = newest.channel AND good.outcome <> 'failed'), 0))
FROM delivery_event newest
QUALIFY row_number() OVER (PARTITION BY channel ORDER BY seq DESC) = 1
ORDER BY channel;
