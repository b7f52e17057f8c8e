-- How far each copy of a projection is. A copy has a PostgreSQL schema of its own, named after the
-- projection, the shape of its tables and its place, so that another release, a rebuild and the copy that
-- was replaced stand beside the live one.
--
-- The row is locked while events are applied, in the transaction that applies them: that is what keeps two
-- processes from applying the same event.

CREATE TABLE projections (
    name       text NOT NULL,
    -- The digest of the statements that make its tables: another shape is another copy.
    shape      text NOT NULL,
    place      text NOT NULL CHECK (place IN ('live', 'next', 'former')),
    position   bigint NOT NULL DEFAULT 0,
    -- How many stored events were applied: as many as the position says, or something was skipped.
    applied    bigint NOT NULL DEFAULT 0,
    -- The release of Navette that began it: another one does not go on with a rebuild.
    release    text NOT NULL,
    moved_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The event that it cannot take: where, how often it was tried, when last, why, and since when the
    -- projection is held there.
    failed_at  bigint,
    failures   integer NOT NULL DEFAULT 0,
    tried_at   timestamptz,
    trouble    text,
    held_since timestamptz,
    PRIMARY KEY (name, shape, place)
) WITH (fillfactor = 50);

DROP TABLE projection_checkpoints;

-- The tables that were filled in place.
DROP TABLE IF EXISTS dossiers, third_parties, documents, signatures, batches, batch_dossiers, timeline,
    templates, images, chains;
