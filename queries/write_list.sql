-- All acknowledged writes, to compare with the ledger. Rows: n, seq, what, row_count, happened.
SELECT n, seq, what, row_count, happened FROM write_event ORDER BY seq;
