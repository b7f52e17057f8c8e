-- The passages from one key to the next: each a checkpoint that names both, signed by both.

CREATE TABLE key_changes (
    size       bigint PRIMARY KEY REFERENCES checkpoints,
    note       text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER key_changes_only_grow BEFORE UPDATE OR DELETE ON key_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER key_changes_are_never_truncated BEFORE TRUNCATE ON key_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
