-- API tokens. The token itself is shown once and kept nowhere: 256 random bits need no slow hash.

CREATE TABLE api_tokens (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    -- In the metadata of every event it causes, so never given to another.
    name       text NOT NULL,
    role       text NOT NULL,
    services   text[] NOT NULL,
    schemes    text[] NOT NULL,
    email      text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz,
    CONSTRAINT api_tokens_name UNIQUE (name)
);
