//! Keys that clients sign requests with, and the signatures that were used.

use std::fmt;

use oauth::{ResourceIndicator, Scope, Timestamp, UserId};
use secret::Digest;

use super::user::{self, UserRecord};
use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `access_keys`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeyRecord {
    /// Names the key in signed requests; no secret.
    pub id: String,
    /// Who acts with it.
    pub user_id: UserId,
    /// What it is for, for people.
    pub name: String,
    /// The secret, sealed for its row.
    pub secret_sealed: Vec<u8>,
    /// What it may be used for.
    pub scope: Scope,
    /// Where it may be used; empty means everywhere.
    pub resources: Vec<ResourceIndicator>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From here on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Without the sealed secret.
impl fmt::Debug for AccessKeyRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessKeyRecord")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("name", &self.name)
            .field("scope", &self.scope)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

sql! {
    INSERT: "access_key.insert" =
        "INSERT INTO access_keys (id, user_id, name, secret_sealed, scope, resources, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT DO NOTHING";
    DELETE: "access_key.delete" = "DELETE FROM access_keys WHERE id = $1";
    USE: "access_key.use" =
        "INSERT INTO access_key_signatures (digest, expires_at) \
         SELECT $1, $2 FROM access_keys k JOIN users u ON u.id = k.user_id \
         WHERE k.id = $3 AND u.state = 'active' AND (k.expires_at IS NULL OR k.expires_at > $4) \
         ON CONFLICT DO NOTHING";
    LIVE: "access_key.live" =
        "SELECT k.id, k.user_id, k.name, k.secret_sealed, k.scope, k.resources, k.created_at, k.expires_at, \
                u.id, u.name, u.display_name, u.password_hash, u.is_operator, u.state, \
                u.credentials_generation, u.created_at, u.roles \
         FROM access_keys k JOIN users u ON u.id = k.user_id \
         WHERE k.id = $1 AND u.state = 'active' AND (k.expires_at IS NULL OR k.expires_at > $2)";
    ALL: "access_key.all" =
        "SELECT k.id, k.user_id, k.name, k.secret_sealed, k.scope, k.resources, k.created_at, k.expires_at, \
                u.id, u.name, u.display_name, u.password_hash, u.is_operator, u.state, \
                u.credentials_generation, u.created_at, u.roles \
         FROM access_keys k JOIN users u ON u.id = k.user_id \
         ORDER BY k.created_at, k.id";
}

/// Adds a key; refused when the id is taken.
pub fn insert(key: &AccessKeyRecord) -> Statement {
    statement!(INSERT [
        key.id, key.user_id, key.name, key.secret_sealed, key.scope, key.resources, key.created_at, key.expires_at,
    ] expecting Expect::Rows(1))
}

/// Ends a key for good; refused when there is none of this id.
pub fn delete(id: &str) -> Statement {
    statement!(DELETE [id] expecting Expect::Rows(1))
}

/// Takes a signature, which is remembered until `expires_at`: refused when it was taken before, on any node, or when
/// its key is not alive any more.
pub fn use_signature(id: &str, signature: &Digest, expires_at: Timestamp, now: Timestamp) -> Statement {
    statement!(USE [signature, expires_at, id, now] expecting Expect::Rows(1))
}

impl Store {
    /// The key of this id with its user, only while it is unexpired and the user is active.
    pub async fn access_key(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<(AccessKeyRecord, UserRecord)>, StoreError> {
        self.optional(&LIVE, values![id, now], from_row).await
    }

    /// All keys with their users, the oldest first; also those that cannot be used now.
    pub async fn access_keys(&self) -> Result<Vec<(AccessKeyRecord, UserRecord)>, StoreError> {
        self.all(&ALL, values![], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<(AccessKeyRecord, UserRecord), StoreError> {
    let mut columns = row.columns_of("access_keys");
    let key = AccessKeyRecord {
        id: columns.next("id")?,
        user_id: columns.next("user_id")?,
        name: columns.next("name")?,
        secret_sealed: columns.next("secret_sealed")?,
        scope: columns.next("scope")?,
        resources: columns.next("resources")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
    };
    Ok((key, user::from_row(row)?))
}
