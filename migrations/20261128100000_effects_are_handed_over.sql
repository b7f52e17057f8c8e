-- The same function, where an effect that begins can be leased at once to the process that begins it, which has room
-- for it: otherwise its claim would be another statement, and another version of its row. It is not where something
-- holds it, or where its document has something else to be done first.

DROP FUNCTION append_events(
    uuid[], text[], bigint[], integer[], text[], smallint[], text[], text[], bytea[], uuid[], bytea[], bigint[],
    bigint[], uuid[], uuid[], uuid[], jsonb, uuid[], uuid[], text);

CREATE FUNCTION append_events(
    -- The streams, each once, and the version at which the group finds each.
    stream_ids uuid[], stream_types text[], expected bigint[],
    -- The events in order, each with the rank of its stream, and its fields from stream_type to event_version as
    -- they are hashed.
    ranks integer[], names text[], shapes smallint[], payloads text[], abouts text[], frames bytea[],
    -- The receipts: the position as a distance from the head.
    commands uuid[], contents bytea[], ends bigint[], distances bigint[],
    -- The effects that end, with their leases; the documents whose waiting effects go; the effects that begin.
    finished uuid[], leases uuid[], dropped uuid[], begun jsonb,
    -- The batches to hold and to let go.
    held uuid[], released uuid[],
    -- Who announces it.
    announcer text,
    OUT written boolean, OUT head bigint, OUT versions bigint[], OUT leased boolean[],
    OUT handed uuid[], OUT answered uuid[], OUT answered_contents bytea[], OUT answered_versions bigint[], OUT answered_positions bigint[]
) LANGUAGE plpgsql
AS $$
DECLARE
    at timestamptz;
    at_text bytea;
    chain bytea[];
    reached bigint[];
    hashes bytea[] := '{}';
    numbers bigint[] := '{}';
    none CONSTANT bytea := '\x0000000000000000000000000000000000000000000000000000000000000000';
    -- 'navette event 1', framed.
    kind CONSTANT bytea := '\x000000000000000f6e617665747465206576656e742031';
    s integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events needs the isolation level READ COMMITTED';
    END IF;
    -- The order lock, "NAVETTE" in ASCII. Every statement after it sees what was committed before it.
    PERFORM pg_advisory_xact_lock(x'4e415645545445'::bigint);
    SELECT coalesce((SELECT max(e.position) FROM events e), 0),
           coalesce(array_agg(coalesce(last.version, 0) ORDER BY stream.rank), '{}'),
           coalesce(array_agg(coalesce(last.hash, none) ORDER BY stream.rank), '{}'),
           (SELECT array_agg(r.command_id) FROM command_receipts r WHERE r.command_id = ANY (commands))
        INTO head, versions, chain, answered
        FROM unnest(stream_ids) WITH ORDINALITY AS stream (id, rank)
        LEFT JOIN LATERAL (
            SELECT e.version, e.hash FROM events e WHERE e.stream_id = stream.id ORDER BY e.version DESC LIMIT 1
        ) AS last ON true;
    IF answered IS NOT NULL THEN
        SELECT array_agg(r.command_id), array_agg(r.content), array_agg(r.version), array_agg(r.position)
            INTO answered, answered_contents, answered_versions, answered_positions
            FROM command_receipts r WHERE r.command_id = ANY (commands);
    END IF;
    leased := '{}';
    IF cardinality(finished) > 0 THEN
        PERFORM FROM effects f WHERE f.id = ANY (finished) ORDER BY f.id FOR UPDATE;
        SELECT array_agg(coalesce(f.lease_token = ended.lease, false) ORDER BY ended.rank)
            INTO leased
            FROM unnest(finished, leases) WITH ORDINALITY AS ended (id, lease, rank)
            LEFT JOIN effects f ON f.id = ended.id;
    END IF;
    written := versions = expected AND answered IS NULL AND NOT false = ANY (leased);
    IF NOT written THEN
        RETURN;
    END IF;

    at := clock_timestamp();
    at_text := framed(convert_to(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8'));
    reached := versions;
    FOR i IN 1 .. cardinality(ranks) LOOP
        s := ranks[i];
        reached[s] := reached[s] + 1;
        chain[s] := sha256(kind || framed(chain[s]) || framed(convert_to((head + i)::text, 'UTF8'))
            || frames[i] || at_text
            || framed(convert_to(payloads[i], 'UTF8')) || framed(convert_to(abouts[i], 'UTF8')));
        hashes[i] := chain[s];
        numbers[i] := reached[s];
    END LOOP;
    WITH recorded AS (
        INSERT INTO events (position, stream_type, stream_id, version, event_type, event_version, payload, metadata, recorded_at, hash)
        SELECT head + i, stream_types[ranks[i]], stream_ids[ranks[i]], numbers[i], names[i], shapes[i], payloads[i], abouts[i], at, hashes[i]
        FROM generate_series(1, cardinality(ranks)) AS i
    )
    INSERT INTO command_receipts (command_id, content, version, position)
        SELECT commands[i], contents[i], ends[i], head + distances[i]
        FROM generate_series(1, cardinality(commands)) AS i;
    IF cardinality(finished) + cardinality(dropped) > 0 THEN
        DELETE FROM effects f WHERE f.id = ANY (finished)
            OR (f.document_id = ANY (dropped) AND f.on_the_way AND f.lease_token IS NULL);
    END IF;
    IF begun IS NOT NULL THEN
        WITH asked AS (
            SELECT b.*, b.lease IS NOT NULL
                AND NOT EXISTS (SELECT FROM effects o WHERE o.document_id = b.document)
                AND NOT EXISTS (SELECT FROM batch_holds h WHERE h.batch_id = b.batch)
                AND NOT EXISTS (SELECT FROM neighbour_holds n WHERE n.neighbour = b.neighbour AND n.until > at) AS granted
            FROM jsonb_to_recordset(begun)
                AS b (id uuid, document uuid, batch uuid, step text, neighbour text, work jsonb, doubtful boolean, on_the_way boolean,
                    lease uuid, owner text, lasts double precision)
        ), made AS (
            INSERT INTO effects (id, document_id, batch_id, step, neighbour, work, doubtful, on_the_way, lease_token, lease_owner, lease_until)
                SELECT id, document, batch, step, neighbour, work, doubtful OR granted, on_the_way,
                    CASE WHEN granted THEN lease END, CASE WHEN granted THEN owner END,
                    CASE WHEN granted THEN at + make_interval(secs => lasts) END
                FROM asked
                ON CONFLICT (id) DO NOTHING
                RETURNING lease_token
        )
        SELECT array_agg(lease_token) FILTER (WHERE lease_token IS NOT NULL) INTO handed FROM made;
    END IF;
    IF cardinality(held) > 0 THEN
        INSERT INTO batch_holds (batch_id) SELECT unnest(held) ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(released) > 0 THEN
        DELETE FROM batch_holds h WHERE h.batch_id = ANY (released);
    END IF;
    -- Once for the whole group.
    PERFORM pg_notify('navette_log', (head + cardinality(ranks)) || ' ' || announcer);
END $$;
