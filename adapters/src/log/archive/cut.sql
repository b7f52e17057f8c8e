-- Runs in a transaction that holds the order lock and the table.
DO $$
DECLARE
    own text := '%NAME%';
    made text[];
    renamed record;
    statement text;
BEGIN
    -- What the new table is to have, in the words of the old one while it has its name.
    SELECT array_agg(made_of.statement ORDER BY made_of.rank) INTO made FROM (
        SELECT 1 AS rank, format('ALTER TABLE events ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) AS statement
            FROM pg_constraint WHERE conrelid = 'events'::regclass AND contype IN ('p', 'u')
        UNION ALL
        SELECT 2, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = 'events'::regclass
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
        UNION ALL
        SELECT 3, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal
        UNION ALL
        SELECT 4, format('GRANT %s ON events TO %s', entry.privilege_type, entry.grantee::regrole)
            FROM pg_class, aclexplode(relacl) AS entry
            WHERE oid = 'events'::regclass AND entry.grantee NOT IN (0, relowner)
        UNION ALL
        SELECT 5, format('ALTER TABLE events SET (%s)', array_to_string(reloptions, ', '))
            FROM pg_class WHERE oid = 'events'::regclass AND reloptions IS NOT NULL
    ) AS made_of;
    FOR renamed IN
        SELECT indexrelid::regclass AS index, own || '_' || relname AS new
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = 'events'::regclass
    LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', renamed.index, renamed.new);
    END LOOP;
    EXECUTE format('ALTER TABLE events RENAME TO %I', own);
    -- The tables that were closed before stay where they are.
    EXECUTE format('CREATE TABLE events (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', own);
    FOREACH statement IN ARRAY made LOOP
        EXECUTE statement;
    END LOOP;
    FOR renamed IN SELECT inhrelid::regclass AS index FROM pg_inherits WHERE inhparent = own::regclass LOOP
        EXECUTE format('ALTER TABLE %s NO INHERIT %I', renamed.index, own);
        EXECUTE format('ALTER TABLE %s INHERIT events', renamed.index);
    END LOOP;
    EXECUTE format('ALTER TABLE %I INHERIT events', own);
END $$;
