-- The first schema: append-only event tables and two views. The only file that
-- holds more than one statement. There are no keys, no indexes and no
-- constraints: uniqueness is the job of the one writer. `seq` is the order of
-- everything; rows of one commit unit (a device's result, an import) share it.
-- Times are UTC.

CREATE TABLE schema_event (version INTEGER, program VARCHAR);

-- One row a write that was acknowledged; the ledger file has a line for each.
CREATE TABLE write_event (seq BIGINT, n BIGINT, what VARCHAR, row_count BIGINT, happened TIMESTAMP);

-- The inventory. Each row is the whole device after the event.
-- what: added, updated, retired, returned, renamed. tags: a JSON array.
CREATE TABLE device_event (
    seq BIGINT, device_id BIGINT, what VARCHAR, name VARCHAR, address VARCHAR, port INTEGER,
    platform VARCHAR, role VARCHAR, site VARCHAR, importance DOUBLE, tags VARCHAR, jump VARCHAR,
    credential VARCHAR, source VARCHAR, retired BOOLEAN, who VARCHAR, happened TIMESTAMP
);

-- what: started, finished. body: the note or the summary, as JSON.
CREATE TABLE run_event (
    seq BIGINT, run BIGINT, what VARCHAR, kind VARCHAR, happened TIMESTAMP, budget BIGINT,
    pid BIGINT, outcome VARCHAR, body VARCHAR
);

-- Written before the scans they are about. Probabilities in 1/10000.
CREATE TABLE forecast (seq BIGINT, run BIGINT, device_id BIGINT, p_change SMALLINT, p_drift SMALLINT);

-- One row an attempt. A digest, line counts or a commit mark that is NULL in a
-- complete device-scope scan is that of the last such scan.
CREATE TABLE scan (
    seq BIGINT, run BIGINT, device_id BIGINT, scope VARCHAR, scope_name VARCHAR, reason VARCHAR,
    started TIMESTAMP_S, took_ms INTEGER, outcome VARCHAR, detail VARCHAR,
    lines_read INTEGER, lines_ignored INTEGER, lines_unread INTEGER,
    facts_digest UUID, text_digest UUID, observed_digest UUID,
    changed BOOLEAN, text_changed BOOLEAN, commit_mark VARCHAR
);

-- Versions of facts: a row when one is first seen or changed, and a row with
-- present = false when a scan that covers it no longer has it.
-- as_printed, neighbours, members: JSON. oper and mtu as first observed.
CREATE TABLE fact (
    seq BIGINT, device_id BIGINT, kind VARCHAR, key VARCHAR, present BOOLEAN,
    parent VARCHAR, encapsulation VARCHAR, outer_tags VARCHAR, inner_tags VARCHAR, tpid VARCHAR,
    l2 BOOLEAN, bundle VARCHAR, service_kind VARCHAR, service VARCHAR, neighbours VARCHAR,
    router_interface VARCHAR, admin VARCHAR, description VARCHAR, configured BOOLEAN,
    as_printed VARCHAR, members VARCHAR, oper VARCHAR, mtu BIGINT
);

-- What was observed of an interface later than its newest fact row.
CREATE TABLE observation (seq BIGINT, device_id BIGINT, name VARCHAR, oper VARCHAR, mtu BIGINT);

-- what: added, removed, modified. fields: a JSON array.
CREATE TABLE change (
    seq BIGINT, device_id BIGINT, kind VARCHAR, key VARCHAR, what VARCHAR, fields VARCHAR,
    after_time TIMESTAMP, until_time TIMESTAMP, who VARCHAR, via VARCHAR
);

-- step: opened, updated, resolved, returned. fields: a JSON array. record and
-- fact: JSON, NULL on a resolved step (they are those of the step before).
CREATE TABLE drift_event (
    seq BIGINT, device_id BIGINT, drift_id VARCHAR, step VARCHAR, kind VARCHAR, key VARCHAR,
    class VARCHAR, fields VARCHAR, cause VARCHAR, record VARCHAR, fact VARCHAR, happened TIMESTAMP
);

-- How much of a device was compared with its records. Written when it moves.
CREATE TABLE compared (seq BIGINT, device_id BIGINT, agreed BIGINT, covered BIGINT, unmanaged BIGINT);

-- Kept text: now and then a whole copy, deflated; between them, splices. Two
-- tables, so that appending a small splice never rewrites the big copies.
CREATE TABLE kept_whole (seq BIGINT, device_id BIGINT, section VARCHAR, body BLOB);
CREATE TABLE kept_splice (
    seq BIGINT, device_id BIGINT, section VARCHAR, head BIGINT, tail BIGINT, body BLOB
);

-- Lines that should have been understood. Written when they change.
CREATE TABLE unread (seq BIGINT, device_id BIGINT, line BIGINT, content VARCHAR);

-- The database of record: the columns are those of the record file.
CREATE TABLE record_event (
    seq BIGINT, device_id BIGINT, kind VARCHAR, key VARCHAR, present BOOLEAN,
    parent VARCHAR, encapsulation VARCHAR, outer_tags VARCHAR, inner_tags VARCHAR, tpid VARCHAR,
    l2 BOOLEAN, bundle VARCHAR, service_kind VARCHAR, service VARCHAR, neighbours VARCHAR,
    router_interface VARCHAR, admin VARCHAR, description VARCHAR, source VARCHAR,
    who VARCHAR, why VARCHAR, happened TIMESTAMP
);

-- what: asked, done.
CREATE TABLE request_event (
    seq BIGINT, request BIGINT, what VARCHAR, device_id BIGINT, scope VARCHAR, scope_name VARCHAR,
    reason VARCHAR, why VARCHAR, run BIGINT, happened TIMESTAMP
);

CREATE VIEW device_now AS
SELECT * FROM device_event
QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY seq DESC) = 1;

CREATE VIEW request_open AS
SELECT * FROM request_event AS asked
WHERE what = 'asked'
  AND NOT EXISTS (FROM request_event AS done WHERE done.what = 'done' AND done.request = asked.request);
