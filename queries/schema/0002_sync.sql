-- Sync: plans name the database that they are for, changes of the record say
-- what they rest on, and the ledger vouches for the rows of the audit trail.

-- One row, made once: copies of a database keep it.
CREATE TABLE database_identity AS SELECT uuid()::VARCHAR AS identity;

-- One row a change of the record, with the sequence number of its rows.
-- what: import, replace, sync, policy, undo, restore. plan: the hash of the plan.
-- evidence: JSON. undoes: the change that it takes back. allowed: the limits
-- that were lifted for it, JSON.
CREATE TABLE record_change (
    seq BIGINT, what VARCHAR, plan VARCHAR, run BIGINT, evidence VARCHAR, undoes BIGINT, allowed VARCHAR
);

-- SHA-256 over the rows of the audit trail that the write brought.
ALTER TABLE write_event ADD COLUMN digest VARCHAR;
