-- A keyed digest of everything that a complete device-scope scan was given, before
-- it was masked and read. Written with a scan that found something new. A capture
-- with the digest of the last one is that device unchanged.
ALTER TABLE scan ADD COLUMN capture_digest UUID;
