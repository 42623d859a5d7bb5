-- How much of the file is used and how much is waiting to be used again.
-- One row: bytes used, bytes free.
SELECT (used_blocks * block_size)::BIGINT, (free_blocks * block_size)::BIGINT FROM pragma_database_size() WHERE database_name = 'driftcast';
