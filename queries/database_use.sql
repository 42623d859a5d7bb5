-- Every connection begins in the empty database that holds the settings.
USE driftcast;
