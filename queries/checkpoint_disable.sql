-- Closing the file does not move a small log into it: the next opening reads
-- the log in less time than a checkpoint takes.
PRAGMA disable_checkpoint_on_shutdown;
