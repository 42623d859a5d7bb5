-- What `serve` decided about its schedules, in the order of decisions.
-- what: armed (counts from slot), started (for slot), finished, skipped (all up
-- to slot), abandoned (was cut off), postponed (slot is the newest one decided
-- before it). missed: slots that a run makes up for, or that were left out.

CREATE TABLE schedule_event (
    seq BIGINT, schedule VARCHAR, job VARCHAR, what VARCHAR, slot TIMESTAMP, attempt INTEGER,
    missed BIGINT, run BIGINT, outcome VARCHAR, why VARCHAR, pid BIGINT, happened TIMESTAMP
);

-- Each time the past was thinned out: up to until_seq only what later times
-- need was kept, so nights before it cannot be told again.
CREATE TABLE prune_event (seq BIGINT, until_seq BIGINT, removed BIGINT, happened TIMESTAMP);
