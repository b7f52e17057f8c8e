-- Cuts the log: what is in it now becomes a partition of its own, up to the next multiple of 256 positions, and
-- what comes after that goes into a new one. No event is copied or written again; PostgreSQL reads the last
-- partition once, while nothing is appended. The owner of the tables runs it, once a year for instance:
--
--     psql "$MIGRATE_URL" -v ON_ERROR_STOP=1 -f cut.sql

BEGIN;
-- The order lock: no event is added while the log is cut.
SELECT pg_advisory_xact_lock(x'4e415645545445'::bigint);
DO $$
DECLARE
    head bigint;
    first bigint;
    final bigint;
    closed text;
    open text;
    allowed record;
BEGIN
    SELECT coalesce(max(position), 0) INTO head FROM events;
    IF head = 0 THEN
        RAISE EXCEPTION 'the log is empty: there is nothing to cut';
    END IF;
    -- A part of the tree that is complete is known without its events.
    final := (head + 255) / 256 * 256;
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) = 'r' THEN
        -- The first cut: the table becomes a partition, and takes its indexes and triggers along.
        closed := 'events_from_1';
        first := 1;
        ALTER TABLE events RENAME TO events_from_1;
        CREATE TABLE events (LIKE events_from_1 INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (position);
        ALTER TABLE events ADD CONSTRAINT events_by_position PRIMARY KEY (position);
        CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        FOR allowed IN
            SELECT entry.privilege_type AS what, entry.grantee::regrole AS whom
            FROM pg_class, aclexplode(relacl) AS entry
            WHERE oid = 'events_from_1'::regclass AND entry.grantee NOT IN (0, relowner)
        LOOP
            EXECUTE format('GRANT %s ON events TO %s', allowed.what, allowed.whom);
        END LOOP;
    ELSE
        SELECT relation.relname INTO closed
            FROM pg_inherits JOIN pg_class AS relation ON relation.oid = inhrelid
            WHERE inhparent = 'events'::regclass
              AND pg_get_expr(relation.relpartbound, relation.oid) LIKE '%TO (MAXVALUE)';
        first := substring(closed FROM '[0-9]+$')::bigint;
        IF first > head THEN
            RAISE EXCEPTION 'nothing was written since the last cut';
        END IF;
        EXECUTE format('ALTER TABLE events DETACH PARTITION %I', closed);
    END IF;
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (position >= %s AND position <= %s)',
        closed, closed || '_range', first, final);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', closed, first, final + 1);
    open := 'events_from_' || final + 1;
    EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%s) TO (MAXVALUE)', open, final + 1);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I UNIQUE (stream_id, version)', open, open || '_stream_version');
    EXECUTE format('CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', open);
    EXECUTE format('CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', open);
END $$;
COMMIT;
