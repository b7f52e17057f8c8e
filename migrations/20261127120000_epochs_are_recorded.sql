-- Since when, and where, the log is what it is. A log that was restored or taken over by another server may
-- lack what was already told: it goes on only in an epoch of its own, which somebody has announced.

-- The history of the server: it changes when a backup is rolled forward, or a standby takes over.
CREATE FUNCTION server_timeline() RETURNS integer LANGUAGE sql STABLE
    RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;

CREATE TABLE epochs (
    epoch             uuid PRIMARY KEY,
    -- The last position when it was announced.
    after_position    bigint NOT NULL,
    reason            text NOT NULL,
    system_identifier bigint NOT NULL,
    timeline          integer NOT NULL,
    began_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO epochs (epoch, after_position, reason, system_identifier, timeline)
    SELECT log.epoch, (SELECT coalesce(max(position), 0) FROM events), 'the log begins', server.system_identifier, server_timeline()
    FROM log, pg_control_system() AS server;

CREATE TRIGGER epochs_only_grow BEFORE UPDATE OR DELETE ON epochs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER epochs_are_never_truncated BEFORE TRUNCATE ON epochs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
