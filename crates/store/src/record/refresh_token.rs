//! Refresh tokens (RFC 6749 §6): rotated with one idempotent successor.
//!
//! Each rotation gives the row its successor's digest and the successor itself, sealed under a key that
//! only the presented token yields. The row stays, so that a later use of the old token is recognised.

use oauth::{GrantId, Timestamp};
use secret::Digest;

use super::{
    grant::{self, GrantRecord},
    user::UserState,
};
use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `refresh_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshTokenRecord {
    /// Digest of the token.
    pub digest: Digest,
    /// The grant it belongs to.
    pub grant_id: GrantId,
    /// 0 for the first token of a grant, one more with each rotation.
    pub generation: i64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends unless it is used: the idle limit.
    pub expires_at: Timestamp,
    /// When it was exchanged for its successor.
    pub rotated_at: Option<Timestamp>,
    /// Digest of the successor, from the rotation on.
    pub successor_digest: Option<Digest>,
    /// The successor, sealed, from the rotation on.
    pub successor_sealed: Option<Vec<u8>>,
}

/// All that the decision on a presented refresh token needs, from one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedRefreshToken {
    /// The token.
    pub token: RefreshTokenRecord,
    /// Its grant.
    pub grant: GrantRecord,
    /// The state of the grant's user; `None` when the grant has no user, or the user is gone: compare
    /// [`GrantRecord::user_id`].
    pub user_state: Option<UserState>,
    /// That user's name for people.
    pub user_name: Option<String>,
    /// What the resource owner is.
    pub user_roles: Vec<String>,
    /// Whether the successor has itself been rotated: then the old token is not repeated but reused.
    pub successor_used: bool,
}

sql! {
    INSERT: "refresh_token.insert" =
        "INSERT INTO refresh_tokens (digest, grant_id, generation, issued_at, expires_at, rotated_at, \
                                     successor_digest, successor_sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT DO NOTHING";
    ROTATE: "refresh_token.rotate" =
        "UPDATE refresh_tokens SET rotated_at = $1, successor_digest = $2, successor_sealed = $3 \
         WHERE digest = $4 AND generation = $5 AND rotated_at IS NULL \
           AND EXISTS (SELECT 1 FROM grants WHERE grants.id = refresh_tokens.grant_id \
                                              AND grants.revoked_at IS NULL)";
    PRESENTED: "refresh_token.presented" =
        "SELECT t.digest, t.grant_id, t.generation, t.issued_at, t.expires_at, t.rotated_at, \
                t.successor_digest, t.successor_sealed, \
                g.id, g.user_id, g.client_id, g.scope, g.resource, g.created_at, g.expires_at, g.revoked_at, \
                g.revocation_reason, \
                u.state, u.name, u.roles, s.rotated_at \
         FROM refresh_tokens t \
         JOIN grants g ON g.id = t.grant_id \
         LEFT JOIN users u ON u.id = g.user_id \
         LEFT JOIN refresh_tokens s ON s.digest = t.successor_digest \
         WHERE t.digest = $1";
}

/// Adds a token. In a batch it stands after the insertion of its grant, or after the rotation it succeeds.
pub fn insert(token: &RefreshTokenRecord) -> Statement {
    statement!(INSERT [
        token.digest, token.grant_id, token.generation, token.issued_at, token.expires_at,
        token.rotated_at, token.successor_digest, token.successor_sealed,
    ] expecting Expect::Rows(1))
}

/// Exchanges a token for its successor; refused when it was rotated before, when `generation` is not its
/// own, or when its grant is revoked.
pub fn rotate(
    digest: &Digest,
    generation: i64,
    now: Timestamp,
    successor_digest: &Digest,
    successor_sealed: &[u8],
) -> Statement {
    statement!(ROTATE [now, successor_digest, successor_sealed, digest, generation] expecting Expect::Rows(1))
}

impl Store {
    /// The presented token with its grant, rotated, expired and revoked ones included.
    pub async fn refresh_token(&self, digest: &Digest) -> Result<Option<PresentedRefreshToken>, StoreError> {
        self.optional(&PRESENTED, values![digest], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<PresentedRefreshToken, StoreError> {
    let mut columns = row.columns_of("refresh_tokens");
    let token = RefreshTokenRecord {
        digest: columns.next("digest")?,
        grant_id: columns.next("grant_id")?,
        generation: columns.next("generation")?,
        issued_at: columns.next("issued_at")?,
        expires_at: columns.next("expires_at")?,
        rotated_at: columns.next("rotated_at")?,
        successor_digest: columns.next("successor_digest")?,
        successor_sealed: columns.next("successor_sealed")?,
    };
    let grant = grant::from_row(row)?;
    let mut user = row.columns_of("users");
    let (user_state, user_name) = (user.next("state")?, user.next("name")?);
    let roles: Option<Vec<String>> = user.next("roles")?;
    let successor_rotated_at: Option<Timestamp> = row.columns_of("refresh_tokens").next("rotated_at")?;
    let successor_used = successor_rotated_at.is_some();
    Ok(PresentedRefreshToken {
        token,
        grant,
        user_state,
        user_name,
        user_roles: roles.unwrap_or_default(),
        successor_used,
    })
}
