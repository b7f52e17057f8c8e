-- Outside work that is not done yet. A row appears in the transaction of the event that causes it, and
-- goes in the transaction of the events that report it: what is done is in the log, not here.

CREATE TABLE effects (
    id          uuid PRIMARY KEY,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    document_id uuid NOT NULL,
    batch_id    uuid NOT NULL,
    step        text NOT NULL,
    neighbour   text NOT NULL,
    work        jsonb NOT NULL,
    -- Whether the neighbour may already have been asked: then look before acting.
    doubtful    boolean NOT NULL,
    -- Whether it moves its document on; the others clean up behind it, and survive a cancellation.
    on_the_way  boolean NOT NULL,
    -- Failed attempts in a row, for back-off and giving up.
    failures    integer NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_token uuid,
    lease_owner text,
    lease_until timestamptz,
    last_error  text,
    CONSTRAINT effects_lease_whole CHECK (num_nonnulls(lease_token, lease_owner, lease_until) IN (0, 3))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX effects_ready ON effects (neighbour, batch_id, run_at, seq) WHERE lease_token IS NULL;
CREATE INDEX effects_leased ON effects (lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX effects_document ON effects (document_id);

-- Batches whose effects wait.
CREATE TABLE batch_holds (
    batch_id uuid PRIMARY KEY
);

-- Neighbours that are left alone for a while, and why.
CREATE TABLE neighbour_holds (
    neighbour text PRIMARY KEY,
    until     timestamptz NOT NULL,
    sentence  text NOT NULL
);
