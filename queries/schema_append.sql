-- Records that a schema version was applied. Parameters: version, program.
INSERT INTO schema_event VALUES ($1, $2);
