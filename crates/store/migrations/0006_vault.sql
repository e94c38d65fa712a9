-- Accounts that users have at other systems. `owner` is the text form of an owner, `account` is empty where the provider
-- did not tell it, `generation` is that of the credential: a row of `credentials` that was put back from an older state
-- is noticed. The connection chosen last is the one of its owner at this provider that is used.
CREATE TABLE connections (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    account_name TEXT,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    reconnect_reason TEXT,
    generation BIGINT NOT NULL,
    chosen_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    use_fence BIGINT NOT NULL
);
CREATE UNIQUE INDEX connections_by_account ON connections (owner, provider, account);

-- What opens the account, in a row of its own, which nothing but its renewal writes. `sealed` needs the data key, the
-- data key the keyring. A refresh takes the row by `fence` and `leased_until` (the database's time) and
-- writes down the digest of the refresh token it is about to present: `intent` stays when its outcome is not known.
-- `refusals` counts renewals within an hour that were made because an API refused the credential before its end.
CREATE TABLE credentials (
    connection_id TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    data_key_sealed BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    obtained_at BIGINT NOT NULL,
    expires_at BIGINT,
    is_renewable BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    leased_by TEXT,
    intent BYTEA,
    attempts BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    refusals BIGINT NOT NULL,
    refusals_since BIGINT NOT NULL
);
CREATE INDEX credentials_with_intent ON credentials (leased_until) WHERE intent IS NOT NULL;

-- Who uses a connection and counts on it to stay as it is (`shared`), changes it (`exclusive`), or waits to (`waiting`).
CREATE TABLE connection_leases (
    id TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    mode TEXT NOT NULL,
    fence BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX connection_leases_by_connection ON connection_leases (connection_id, ends_at);
CREATE INDEX connection_leases_by_end ON connection_leases (ends_at);

-- The last change of each connection, for the caches of other nodes; it stays for a time when the connection is gone.
CREATE TABLE connection_changes (
    connection_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    provider TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX connection_changes_by_time ON connection_changes (changed_at);

-- Tokens of connections that are gone, which their provider has not been told yet to revoke.
CREATE TABLE provider_revocations (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX provider_revocations_due ON provider_revocations (not_before);
CREATE INDEX provider_revocations_by_expiry ON provider_revocations (expires_at);
