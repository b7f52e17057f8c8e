-- Puts a partition that left back in its place, to verify the whole log or to rebuild a read model:
--
--     psql "$MIGRATE_URL" -v ON_ERROR_STOP=1 -c "SET navette.partition = 'events_from_1'" -f attach.sql

BEGIN;
SELECT pg_advisory_xact_lock(x'4e415645545445'::bigint);
DO $$
DECLARE
    back text := current_setting('navette.partition');
    bounds text;
BEGIN
    SELECT pg_get_expr(relpartbound, oid) INTO STRICT bounds FROM pg_class WHERE oid = (back || '_kept')::regclass;
    EXECUTE format('ALTER TABLE events DETACH PARTITION %I', back || '_kept');
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I %s', back, bounds);
    -- What was kept of it is in it.
    EXECUTE format('DROP TABLE %I', back || '_kept');
    EXECUTE format('DELETE FROM archived_streams WHERE stream_id IN (SELECT stream_id FROM %I)', back);
END $$;
COMMIT;
