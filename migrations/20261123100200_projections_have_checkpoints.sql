-- How far each projection is. The row is locked while events are applied, in the transaction that applies
-- them: that is what keeps two processes from applying the same event.

CREATE TABLE projection_checkpoints (
    name     text PRIMARY KEY,
    position bigint NOT NULL,
    -- The digest of the statements that made its tables: another shape is filled anew.
    schema   bytea NOT NULL
);
