-- What an authority said of checkpoints (RFC 3161): that they existed at a time of its own clock.

CREATE TABLE time_stamps (
    size        bigint PRIMARY KEY REFERENCES checkpoints,
    -- The whole token, as it came.
    token       bytea NOT NULL,
    obtained_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER time_stamps_only_grow BEFORE UPDATE OR DELETE ON time_stamps
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER time_stamps_are_never_truncated BEFORE TRUNCATE ON time_stamps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
