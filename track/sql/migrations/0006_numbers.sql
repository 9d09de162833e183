-- The greatest number of a version that was deleted: numbers are used once.
ALTER TABLE registered_models ADD COLUMN last_deleted BIGINT NOT NULL DEFAULT 0;
