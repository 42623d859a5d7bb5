-- Which database this is. One row: identity.
SELECT identity FROM database_identity;
