//! Removing what has ended, in small batches beside the live traffic.

use std::time::Duration;

use oauth::Timestamp;

use crate::{
    Store,
    error::{CommitError, StoreError},
    statement::{Expect, Sql, Statement, sql},
    value::values,
};

/// How long redeemed and expired codes are kept, so that one presented twice is still recognised and its
/// grant revoked (RFC 6749 §4.1.2); and how long changes of connections are, for nodes that lost the database meanwhile.
const RETENTION: Duration = Duration::from_hours(24);

/// Rows per statement: a writer never waits for more than this.
const CHUNK: u32 = 500;

sql! {
    INVITATIONS: "garbage.invitations" =
        "DELETE FROM invitations WHERE digest IN \
         (SELECT digest FROM invitations WHERE expires_at <= $1 LIMIT $2)";
    CLIENTS: "garbage.clients" =
        "DELETE FROM clients WHERE id IN \
         (SELECT id FROM clients WHERE expires_at IS NOT NULL AND expires_at <= $1 AND origin = 'dynamic' LIMIT $2) \
         AND expires_at IS NOT NULL";
    SESSIONS: "garbage.sessions" =
        "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires_at <= $1 LIMIT $2)";
    AUTHORIZATION_REQUESTS: "garbage.authorization_requests" =
        "DELETE FROM authorization_requests WHERE digest IN \
         (SELECT digest FROM authorization_requests WHERE expires_at <= $1 LIMIT $2)";
    AUTHORIZATION_CODES: "garbage.authorization_codes" =
        "DELETE FROM authorization_codes WHERE digest IN \
         (SELECT digest FROM authorization_codes WHERE expires_at <= $1 LIMIT $2)";
    REFRESH_TOKENS: "garbage.refresh_tokens" =
        "DELETE FROM refresh_tokens WHERE digest IN \
         (SELECT digest FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)";
    GRANTS: "garbage.grants" =
        "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 LIMIT $2)";
    REVOCATIONS: "garbage.revocations" =
        "DELETE FROM revocations WHERE key IN (SELECT key FROM revocations WHERE expires_at <= $1 LIMIT $2)";
    CONNECTION_LEASES: "garbage.connection_leases" =
        "DELETE FROM connection_leases WHERE id IN \
         (SELECT id FROM connection_leases WHERE ends_at <= $1 AND ends_at <= {now} LIMIT $2)";
    CONNECTION_CHANGES: "garbage.connection_changes" =
        "DELETE FROM connection_changes WHERE connection_id IN \
         (SELECT connection_id FROM connection_changes WHERE changed_at <= $1 LIMIT $2)";
    CONNECT_ATTEMPTS: "garbage.connect_attempts" =
        "DELETE FROM connect_attempts WHERE id IN (SELECT id FROM connect_attempts WHERE expires_at <= $1 LIMIT $2)";
    CONNECT_REQUESTS: "garbage.connect_requests" =
        "DELETE FROM connect_requests WHERE id IN \
         (SELECT id FROM connect_requests WHERE expires_at <= $1 AND received_sealed IS NULL LIMIT $2) \
         AND received_sealed IS NULL";
    PROVIDER_REVOCATIONS: "garbage.provider_revocations" =
        "DELETE FROM provider_revocations WHERE id IN \
         (SELECT id FROM provider_revocations WHERE expires_at <= $1 LIMIT $2)";
    SIGNATURES: "garbage.access_key_signatures" =
        "DELETE FROM access_key_signatures WHERE digest IN \
         (SELECT digest FROM access_key_signatures WHERE expires_at <= $1 LIMIT $2)";
}

impl Store {
    /// Deletes what expired before `now` and says how many rows that were. Rows that may still decide
    /// something stay: live ones, clients that were granted something, and redeemed codes for a day.
    pub async fn collect_garbage(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for &sql in REGISTERED {
            let is_kept_for_a_day = [AUTHORIZATION_CODES.name, CONNECTION_CHANGES.name].contains(&sql.name);
            let before = if is_kept_for_a_day { now - RETENTION } else { now };
            deleted += self.delete_expired(sql, before).await?;
        }
        Ok(deleted)
    }

    async fn delete_expired(&self, sql: &'static Sql, before: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let statement =
                Statement { sql, parameters: values![before, i64::from(CHUNK)], expect: Expect::Any };
            let outcomes = self.commit_returning(statement.into()).await.map_err(|error| match error {
                CommitError::Store(error) => error,
                CommitError::Refused(statement) => unexpected_refusal(statement),
            })?;
            let chunk: u64 = outcomes.iter().map(|outcome| outcome.affected).sum();
            deleted += chunk;
            if chunk < u64::from(CHUNK) {
                return Ok(deleted);
            }
        }
    }
}

fn unexpected_refusal(statement: &'static str) -> StoreError {
    StoreError::Rejected { statement, reason: "refused although it expects nothing".into() }
}
