-- The tree over the hashes of all the events, and its signed roots.

-- Complete subtrees of 256 events and more: with them, any root and any proof is made of few rows.
CREATE TABLE tree_nodes (
    level smallint NOT NULL CHECK (level >= 8),
    place bigint NOT NULL CHECK (place >= 0),
    hash  bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, place)
);

CREATE TABLE checkpoints (
    -- How many events it covers: the position of the last.
    size    bigint PRIMARY KEY CHECK (size > 0),
    epoch   uuid NOT NULL,
    root    bytea NOT NULL CHECK (octet_length(root) = 32),
    note    text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What became of a checkpoint at each place outside.
CREATE TABLE checkpoint_publications (
    place        text NOT NULL,
    size         bigint NOT NULL REFERENCES checkpoints,
    tried_at     timestamptz NOT NULL,
    failures     integer NOT NULL,
    last_error   text,
    published_at timestamptz,
    PRIMARY KEY (place, size)
);

CREATE TRIGGER tree_nodes_only_grow BEFORE UPDATE OR DELETE ON tree_nodes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tree_nodes_are_never_truncated BEFORE TRUNCATE ON tree_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoints_only_grow BEFORE UPDATE OR DELETE ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoints_are_never_truncated BEFORE TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Receipts say what was answered: they only grow too.
CREATE TRIGGER command_receipts_only_grow BEFORE UPDATE OR DELETE ON command_receipts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER command_receipts_are_never_truncated BEFORE TRUNCATE ON command_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
