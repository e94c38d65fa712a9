//! Grants: one act of authorization, from which tokens are issued until it ends.

use oauth::{ClientId, GrantId, ResourceIndicator, Scope, Timestamp, UserId};

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `grants`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// Primary key.
    pub id: GrantId,
    /// On whose behalf; `None` for a client's own (client credentials).
    pub user_id: Option<UserId>,
    /// To whom.
    pub client_id: ClientId,
    /// The most its tokens may carry.
    pub scope: Scope,
    /// The resource its tokens are for.
    pub resource: ResourceIndicator,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its absolute end: no token of it lives longer.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why, for the log and the console.
    pub revocation_reason: Option<String>,
}

sql! {
    INSERT: "grant.insert" =
        "INSERT INTO grants (id, user_id, client_id, scope, resource, created_at, expires_at, revoked_at, \
                             revocation_reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT DO NOTHING";
    REVOKE: "grant.revoke" =
        "UPDATE grants SET revoked_at = $1, revocation_reason = $2 WHERE id = $3 AND revoked_at IS NULL";
    REVOKE_OF_USER: "grant.revoke_of_user" =
        "UPDATE grants SET revoked_at = $1, revocation_reason = $2 WHERE user_id = $3 AND revoked_at IS NULL";
    BY_ID: "grant.by_id" =
        "SELECT id, user_id, client_id, scope, resource, created_at, expires_at, revoked_at, revocation_reason \
         FROM grants WHERE id = $1";
    OF_USER: "grant.of_user" =
        "SELECT id, user_id, client_id, scope, resource, created_at, expires_at, revoked_at, revocation_reason \
         FROM grants WHERE user_id = $1 ORDER BY created_at DESC, id";
}

/// Adds a grant; refused when the id is taken.
pub fn insert(grant: &GrantRecord) -> Statement {
    statement!(INSERT [
        grant.id, grant.user_id, grant.client_id, grant.scope, grant.resource, grant.created_at,
        grant.expires_at, grant.revoked_at, grant.revocation_reason,
    ] expecting Expect::Rows(1))
}

/// Revokes a grant and with it every token of it. The first revocation's time and reason stay.
pub fn revoke(id: &GrantId, reason: &str, now: Timestamp) -> Statement {
    statement!(REVOKE [now, reason, id] expecting Expect::Any)
}

/// Revokes every grant of a user that is not revoked yet. In a batch it stands after
/// [`revocation::insert_of_user`](super::revocation::insert_of_user), which needs to see them.
pub fn revoke_of_user(user_id: &UserId, reason: &str, now: Timestamp) -> Statement {
    statement!(REVOKE_OF_USER [now, reason, user_id] expecting Expect::Any)
}

impl Store {
    /// The grant with this id, revoked and expired ones included.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }

    /// All grants of a user, newest first, revoked and expired ones included.
    pub async fn grants_of_user(&self, user_id: &UserId) -> Result<Vec<GrantRecord>, StoreError> {
        self.all(&OF_USER, values![user_id], from_row).await
    }
}

pub(super) fn from_row(row: &mut Row) -> Result<GrantRecord, StoreError> {
    let mut columns = row.columns_of("grants");
    Ok(GrantRecord {
        id: columns.next("id")?,
        user_id: columns.next("user_id")?,
        client_id: columns.next("client_id")?,
        scope: columns.next("scope")?,
        resource: columns.next("resource")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
        revoked_at: columns.next("revoked_at")?,
        revocation_reason: columns.next("revocation_reason")?,
    })
}
