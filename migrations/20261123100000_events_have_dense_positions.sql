-- The log. Positions are dense and in commit order: they are given under one advisory lock, so a reader
-- needs a single number and can miss nothing.

CREATE TABLE log (
    id    smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    -- Changes when the log is restored or fails over: cursors carry it, so a rewound log is noticed.
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log DEFAULT VALUES;

CREATE TABLE events (
    position      bigint PRIMARY KEY CHECK (position > 0),
    stream_type   text NOT NULL,
    stream_id     uuid NOT NULL,
    version       bigint NOT NULL CHECK (version > 0),
    event_type    text NOT NULL,
    event_version smallint NOT NULL,
    -- Text, not jsonb: the stored bytes are the bytes that will be hashed.
    payload       text NOT NULL,
    metadata      text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT events_stream_version UNIQUE (stream_id, version)
);

-- What makes a command safe to repeat: its answer, in the same transaction as its events.
CREATE TABLE command_receipts (
    command_id  uuid PRIMARY KEY,
    content     bytea NOT NULL CHECK (octet_length(content) = 32),
    version     bigint NOT NULL,
    position    bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;

CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
