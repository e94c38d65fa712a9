-- Keys that clients sign requests with (AWS Signature Version 4). The secret is sealed and not digested: verifying a
-- signature needs it. `resources` is JSON, a list; an empty one means all.
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

-- Signatures that were used, for as long as their date would be accepted.
CREATE TABLE access_key_signatures (
    digest BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_key_signatures_by_expiry ON access_key_signatures (expires_at);
