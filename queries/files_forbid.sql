-- From here on no file is touched but those of the database that is attached.
SET enable_external_access = false;
