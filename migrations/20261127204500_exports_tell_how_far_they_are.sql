-- How far the exports are whose files are being made. What is here is of the moment: what came of an export is
-- in the log.

CREATE TABLE export_progress (
    export     uuid PRIMARY KEY,
    rows       bigint NOT NULL DEFAULT 0,
    -- How many rows there were when it began.
    expected   bigint NOT NULL,
    -- How often it began.
    tries      integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
