-- The schema steps that this database has. No parameters. Rows: version.
SELECT version FROM schema_event ORDER BY version;
