-- How many rows the table of scans has: room for a history. Rows: one number.
SELECT count(*) FROM scan;
