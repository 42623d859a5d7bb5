-- Last step of opening: no file but the database's own, and from here on no
-- statement can change a setting.
SET enable_external_access = false;
SET lock_configuration = true;
