-- The keys under which personal data are sealed in the log: one for each subject, itself sealed by the master
-- key, which is in no database. Destroying a key erases every value that it sealed, in every copy of the
-- log. The tables are apart so that their backups can be shorter-lived than the log's; these statements
-- may also run on a database of their own, so they ask for nothing that another migration makes.

CREATE SCHEMA IF NOT EXISTS keys;

CREATE TABLE IF NOT EXISTS keys.subject_keys (
    id           uuid PRIMARY KEY,
    subject      uuid NOT NULL,
    wrapped      bytea,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CONSTRAINT subject_keys_destroyed_whole CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS subject_keys_in_force ON keys.subject_keys (subject) WHERE wrapped IS NOT NULL;
-- How a node learns what another destroyed.
CREATE INDEX IF NOT EXISTS subject_keys_destroyed ON keys.subject_keys (destroyed_at) WHERE wrapped IS NULL;

-- Recognises the master key without telling anything of it.
CREATE TABLE IF NOT EXISTS keys.master (
    id   smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    mark bytea NOT NULL
);

-- How far the log's erasures were carried out. It stands beside the keys: when a backup brings destroyed keys
-- back, it brings this back too, and they are destroyed again.
CREATE TABLE IF NOT EXISTS keys.erasures (
    id       smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    position bigint NOT NULL DEFAULT 0
);
INSERT INTO keys.erasures DEFAULT VALUES ON CONFLICT DO NOTHING;
