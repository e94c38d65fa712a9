//! Tokens of connections that are gone, which their provider is still to be told of.

use std::time::Duration;

use crate::{
    Store,
    error::{CommitError, StoreError},
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `provider_revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRevocationRecord {
    /// Primary key.
    pub id: String,
    /// Whom to tell.
    pub provider: String,
    /// What to tell, sealed by the keyring.
    pub sealed: Vec<u8>,
    /// How often it was tried.
    pub attempts: i64,
}

sql! {
    INSERT: "provider_revocation.insert" =
        "INSERT INTO provider_revocations (id, provider, sealed, attempts, not_before, expires_at) \
         VALUES ($1, $2, $3, 0, 0, {now} + $4) ON CONFLICT DO NOTHING";
    CLAIM: "provider_revocation.claim" =
        "UPDATE provider_revocations SET attempts = attempts + 1, not_before = {now} + $1 \
         WHERE id = $2 AND attempts = $3 AND not_before <= {now}";
    DONE: "provider_revocation.done" = "DELETE FROM provider_revocations WHERE id = $1";
    DUE: "provider_revocation.due" =
        "SELECT id, provider, sealed, attempts FROM provider_revocations \
         WHERE not_before <= {now} AND expires_at > {now} ORDER BY not_before, id LIMIT $1";
}

/// Adds a token that is to be revoked within `lasts`; after that it is given up.
pub fn insert(revocation: &ProviderRevocationRecord, lasts: Duration) -> Statement {
    let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX / 2);
    statement!(INSERT [
        revocation.id, revocation.provider, revocation.sealed, lasts,
    ] expecting Expect::Rows(1))
}

/// Forgets a token: it is revoked, or no longer known at its provider.
pub fn done(id: &str) -> Statement {
    statement!(DONE [id] expecting Expect::Any)
}

impl Store {
    /// Up to `limit` tokens that are to be revoked now.
    pub async fn due_provider_revocations(
        &self,
        limit: i64,
    ) -> Result<Vec<ProviderRevocationRecord>, StoreError> {
        self.all(&DUE, values![limit], from_row).await
    }

    /// Takes one that was read, and puts the next attempt off by `pause`. Whether this node is the one that tries.
    pub async fn claim_provider_revocation(
        &self,
        revocation: &ProviderRevocationRecord,
        pause: Duration,
    ) -> Result<bool, StoreError> {
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
        let claim = statement!(CLAIM [pause, revocation.id, revocation.attempts] expecting Expect::Rows(1));
        match self.commit(claim).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(_)) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

fn from_row(row: &mut Row) -> Result<ProviderRevocationRecord, StoreError> {
    let mut columns = row.columns_of("provider_revocations");
    Ok(ProviderRevocationRecord {
        id: columns.next("id")?,
        provider: columns.next("provider")?,
        sealed: columns.next("sealed")?,
        attempts: columns.next("attempts")?,
    })
}
