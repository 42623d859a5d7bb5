-- The newest acknowledged write. Rows: n, seq, what, row_count, happened; none at first.
SELECT n, seq, what, row_count, happened FROM write_event ORDER BY n DESC, seq DESC LIMIT 1;
