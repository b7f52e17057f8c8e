-- Old events can leave the log: the table that holds a closed range of positions is detached whole, and may then
-- leave the database. What stays of it is the hash of each event, so that every proof still holds, and its
-- streams that go on.

CREATE TABLE archives (
    first       bigint PRIMARY KEY,
    -- The table that holds them is named after both: events_FIRST_to_LAST.
    last        bigint NOT NULL CHECK (last >= first),
    archived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE archived_hashes (
    position bigint PRIMARY KEY CHECK (position > 0),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE TRIGGER archived_hashes_only_grow BEFORE UPDATE OR DELETE ON archived_hashes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archived_hashes_are_never_truncated BEFORE TRUNCATE ON archived_hashes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
