-- Fails if the transaction is broken. COMMIT would say Ok and roll back.
SELECT 1;
