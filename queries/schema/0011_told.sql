-- What each channel of notifications was told, so that nothing is told twice.
-- item: a drift id, device/N (it does not answer), run/N, slot/… or guard/…
-- state: what was told of it; resolved when it is over. label: its name then.
CREATE TABLE told_event (
    seq BIGINT, channel VARCHAR, item VARCHAR, state VARCHAR, label VARCHAR, happened TIMESTAMP
);

-- Each try to tell: outcome is baseline (what is known from now on is told),
-- delivered or failed; why says what went wrong. items: how many were in it.
CREATE TABLE delivery_event (
    seq BIGINT, channel VARCHAR, run BIGINT, outcome VARCHAR, why VARCHAR, items BIGINT, happened TIMESTAMP
);
