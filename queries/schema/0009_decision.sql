-- What people and policies decided about refused deploys. Append-only: a later
-- row about the same thing replaces an earlier one, none is ever changed.
-- choice: sync, skip, override, abort. class: what the live reading found.
-- wanted, fact, record, evidence: JSON. until: when a skip or an override is to
-- be looked at again, NULL: open. request: the scan that was queued for it.
CREATE TABLE decision_event (
    seq BIGINT, device_id BIGINT, kind VARCHAR, key VARCHAR, choice VARCHAR, class VARCHAR,
    wanted VARCHAR, fact VARCHAR, record VARCHAR, who VARCHAR, why VARCHAR, evidence VARCHAR,
    until TIMESTAMP, request BIGINT, happened TIMESTAMP
);
