-- How each process lets work through to each neighbour, written anew every few seconds: those that write share
-- the neighbours' limits, and whoever looks after Navette sees which neighbour is left alone. Not logged: after a
-- crash of the database, the processes say it again.

CREATE UNLOGGED TABLE gates (
    node       text NOT NULL,
    neighbour  text NOT NULL,
    -- closed, open or half_open.
    breaker    text NOT NULL,
    at_once    integer NOT NULL,
    most       integer NOT NULL,
    under_way  integer NOT NULL,
    -- Until when nothing passes, if the neighbour asked to wait or its breaker is open.
    shut_until timestamptz,
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (node, neighbour)
);
