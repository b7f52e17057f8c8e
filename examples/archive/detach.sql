-- Takes the oldest partition out of the log, but for the streams that go on. The owner of the tables runs it,
-- having said which streams leave, and what people are to read when somebody writes to one of them:
--
--     CREATE TABLE streams_to_archive AS SELECT … AS stream_id FROM … ;
--     psql "$MIGRATE_URL" -v ON_ERROR_STOP=1 -c "SET navette.archive = 'navette-2020.dump'" -f detach.sql
--
-- A stream that has events after the partition stays whole, whatever the list says. Nothing of the other
-- partitions is written again; of this one, the streams that stay are copied.

CREATE TABLE IF NOT EXISTS archived_streams (
    stream_id uuid PRIMARY KEY,
    archive   text NOT NULL
);
GRANT SELECT ON archived_streams TO PUBLIC;

-- A stream that left cannot begin anew under its own name.
CREATE OR REPLACE FUNCTION refuse_archived() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    IF NEW.version = 1 THEN
        SELECT archive INTO place FROM archived_streams WHERE stream_id = NEW.stream_id;
        IF place IS NOT NULL THEN
            RAISE EXCEPTION 'le flux % est archivé dans %', NEW.stream_id, place USING ERRCODE = '42501';
        END IF;
    END IF;
    RETURN NEW;
END $$;

BEGIN;
SELECT pg_advisory_xact_lock(x'4e415645545445'::bigint);
DO $$
DECLARE
    archive text := current_setting('navette.archive');
    leaving text;
    staying text;
    bounds text;
    final bigint;
BEGIN
    SELECT relation.relname, pg_get_expr(relation.relpartbound, relation.oid) INTO leaving, bounds
        FROM pg_inherits JOIN pg_class AS relation ON relation.oid = inhrelid
        WHERE inhparent = 'events'::regclass AND relation.relname NOT LIKE '%\_kept'
        ORDER BY substring(relation.relname FROM '[0-9]+')::bigint LIMIT 1;
    IF bounds LIKE '%TO (MAXVALUE)' THEN
        RAISE EXCEPTION 'only the partition that is written to is left: cut the log first';
    END IF;
    final := substring(bounds FROM 'TO \(''?([0-9]+)')::bigint - 1;
    IF NOT EXISTS (SELECT FROM checkpoints WHERE size >= final) THEN
        RAISE EXCEPTION 'no checkpoint covers the partition yet, which ends at position %', final;
    END IF;
    IF EXISTS (SELECT FROM projections WHERE position < final AND place = 'live') THEN
        RAISE EXCEPTION 'a read model has not read the partition to its end';
    END IF;
    DELETE FROM streams_to_archive listed
        WHERE EXISTS (SELECT FROM events e WHERE e.stream_id = listed.stream_id AND e.position > final);
    staying := leaving || '_kept';
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING STATISTICS)', staying, leaving);
    EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE stream_id NOT IN (SELECT stream_id FROM streams_to_archive)',
        staying, leaving);
    EXECUTE format('INSERT INTO archived_streams SELECT DISTINCT stream_id, %L FROM %I WHERE stream_id IN (SELECT stream_id FROM streams_to_archive)',
        archive, leaving);
    EXECUTE format('CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', staying);
    EXECUTE format('CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', staying);
    EXECUTE format('ALTER TABLE events DETACH PARTITION %I', leaving);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I %s', staying, bounds);
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgname = 'archived_stay_archived') THEN
        CREATE TRIGGER archived_stay_archived BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_archived();
    END IF;
    DROP TABLE streams_to_archive;
    RAISE NOTICE '% is out of the log: dump it, verify the dump, drop it', leaving;
END $$;
COMMIT;
