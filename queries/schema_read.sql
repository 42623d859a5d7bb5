-- The schema version of this database. No parameters. One row: version.
SELECT max(version) FROM schema_event;
