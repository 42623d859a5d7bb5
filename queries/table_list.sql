-- Names of all tables, to tell a new file from a foreign one. Rows: name.
SELECT table_name FROM duckdb_tables() ORDER BY table_name;
