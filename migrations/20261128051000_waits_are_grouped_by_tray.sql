-- What waits for people lies somewhere: a folder that circulates, a type of a signing desk. One listing of the tray
-- shows what has moved, so that what has not costs no call of its own.

ALTER TABLE effects
    -- Where it waits since it was last looked at, and what the listing calls it there.
    ADD COLUMN tray text,
    ADD COLUMN mark  text;

CREATE INDEX effects_trays ON effects (neighbour, tray, mark) WHERE tray IS NOT NULL;

-- When each tray is to be listed next, whichever process does it. Not logged: after a crash of the database, the
-- trays are listed a little later.
CREATE UNLOGGED TABLE rounds (
    neighbour text NOT NULL,
    tray     text NOT NULL,
    next_at   timestamptz NOT NULL,
    -- The last time.
    made_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (neighbour, tray)
);
