-- All acknowledged writes, to compare with the ledger. Rows: n, seq.
SELECT n, seq FROM write_event ORDER BY n;
