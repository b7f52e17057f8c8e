-- Every event carries a hash over its exact bytes and over the hash before it in its stream.

DO $$
BEGIN
    IF EXISTS (SELECT FROM events) THEN
        RAISE EXCEPTION 'this log was written before events had hashes, and cannot be made provable afterwards: start on an empty database';
    END IF;
END $$;

ALTER TABLE events
    ADD COLUMN hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    -- It is hashed, so the appender gives it: the database's clock, read under the order lock.
    ALTER COLUMN recorded_at DROP DEFAULT;
