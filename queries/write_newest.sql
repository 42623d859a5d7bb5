-- The newest acknowledged write. Rows: n, seq, what, row_count, happened, digest; none at first.
SELECT n, seq, what, row_count, happened, digest FROM write_event ORDER BY n DESC, seq DESC LIMIT 1;
