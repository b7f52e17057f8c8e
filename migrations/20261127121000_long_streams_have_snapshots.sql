-- The states of long streams, so that only what came since is read. They follow from the events and can be
-- dropped at any moment.

CREATE TABLE snapshots (
    stream_id uuid PRIMARY KEY,
    version   bigint NOT NULL,
    -- Of the event at this version: a snapshot of other events is not used.
    hash      bytea NOT NULL,
    -- The state, and the digest that ties it to its stream, its version and the rules that worked it out: one
    -- of other rules, or damaged, is not used.
    state     text NOT NULL,
    digest    bytea NOT NULL
);
