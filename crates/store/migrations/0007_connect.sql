-- What a person is asked to connect: at most one open request for each owner, provider, client and server (the last two are
-- empty when a person began it). `received_sealed` holds what a provider gave until it is somebody's connection.
CREATE TABLE connect_requests (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    provider TEXT NOT NULL,
    client_id TEXT NOT NULL,
    server TEXT NOT NULL,
    asked_by TEXT,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    received_sealed BYTEA,
    allowed_by TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    completed_at BIGINT
);
CREATE UNIQUE INDEX connect_requests_open ON connect_requests (owner, provider, client_id, server)
    WHERE completed_at IS NULL;
CREATE INDEX connect_requests_by_expiry ON connect_requests (expires_at);

-- A browser on its way to a provider and back; `id` is the digest of `state`, as text.
CREATE TABLE connect_attempts (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES connect_requests (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    browser_digest BYTEA NOT NULL,
    flow_sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX connect_attempts_by_request ON connect_attempts (request_id);
CREATE INDEX connect_attempts_by_expiry ON connect_attempts (expires_at);

-- The authorization server of a provider that was discovered, pinned, and who we are there.
CREATE TABLE provider_clients (
    provider TEXT PRIMARY KEY,
    resource TEXT NOT NULL,
    issuer TEXT NOT NULL,
    registered_sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
