//! What no longer counts although its signature does: the list that verifiers of JWT access tokens follow.

use oauth::{GrantId, JwtId, Timestamp, UserId};

use crate::{
    Store,
    column::text_columns,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::{FromValue, ToValue, Value, values},
};

/// A row of `revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// What is revoked.
    pub key: RevocationKey,
    /// When.
    pub revoked_at: Timestamp,
    /// When the last token it concerns has expired by itself, so that the entry can go.
    pub expires_at: Timestamp,
}

/// What a revocation names. The kinds cannot collide: each has its own prefix in the column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RevocationKey {
    /// Every token of a grant.
    Grant(GrantId),
    /// One access token.
    AccessToken(JwtId),
}

text_columns! {
    RevocationKey:
        |key| match key {
            Self::Grant(id) => format!("grant:{id}"),
            Self::AccessToken(id) => format!("jti:{id}"),
        },
        |text| match text.split_once(':')? {
            ("grant", id) => Some(Self::Grant(GrantId::from_unverified(id))),
            ("jti", id) => Some(Self::AccessToken(JwtId::from_unverified(id))),
            _ => None,
        };
}

sql! {
    INSERT: "revocation.insert" =
        "INSERT INTO revocations (key, revoked_at, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    INSERT_OF_USER: "revocation.insert_of_user" =
        "INSERT INTO revocations (key, revoked_at, expires_at) \
         SELECT 'grant:' || id, $1, $2 FROM grants WHERE user_id = $3 AND revoked_at IS NULL \
         ON CONFLICT DO NOTHING";
    SINCE: "revocation.since" =
        "SELECT key, revoked_at, expires_at FROM revocations WHERE revoked_at >= $1 AND expires_at > $2 \
         ORDER BY revoked_at";
    BY_KEY: "revocation.by_key" = "SELECT key, revoked_at, expires_at FROM revocations WHERE key = $1";
}

/// Adds a revocation; the first one of a key stays.
pub fn insert(revocation: &RevocationRecord) -> Statement {
    statement!(INSERT [revocation.key, revocation.revoked_at, revocation.expires_at] expecting Expect::Any)
}

/// Adds a revocation for every grant of a user that is not revoked yet.
pub fn insert_of_user(user_id: &UserId, now: Timestamp, expires_at: Timestamp) -> Statement {
    statement!(INSERT_OF_USER [now, expires_at, user_id] expecting Expect::Any)
}

impl Store {
    /// Whether this key was revoked, on any node.
    pub async fn is_revoked(&self, key: &RevocationKey) -> Result<bool, StoreError> {
        Ok(self.optional(&BY_KEY, values![key], from_row).await?.is_some())
    }

    /// The live revocations made at or after `since`, oldest first.
    ///
    /// A node asks with a `since` that overlaps its last question by more than the clocks of the nodes
    /// differ and a commit takes: a row may appear after a later one was seen.
    pub async fn revocations_since(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<RevocationRecord>, StoreError> {
        self.all(&SINCE, values![since, now], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<RevocationRecord, StoreError> {
    let mut columns = row.columns_of("revocations");
    Ok(RevocationRecord {
        key: columns.next("key")?,
        revoked_at: columns.next("revoked_at")?,
        expires_at: columns.next("expires_at")?,
    })
}
