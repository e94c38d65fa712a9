//! One-time links that let somebody become a user.

use oauth::Timestamp;
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `invitations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Digest of the token in the link.
    pub digest: Digest,
    /// Whom it is for; `None` for the set-up link, whose holder chooses the name.
    pub user_name: Option<String>,
    /// Whether the user becomes an operator.
    pub makes_operator: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From here on it cannot be used.
    pub expires_at: Timestamp,
    /// When it was used or retired.
    pub used_at: Option<Timestamp>,
}

sql! {
    INSERT: "invitation.insert" =
        "INSERT INTO invitations (digest, user_name, makes_operator, created_at, expires_at, used_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING";
    CONSUME: "invitation.consume" =
        "UPDATE invitations SET used_at = $1 WHERE digest = $2 AND used_at IS NULL AND expires_at > $1";
    REVOKE_SET_UP: "invitation.revoke_set_up" =
        "UPDATE invitations SET used_at = $1 \
         WHERE makes_operator = 1 AND user_name IS NULL AND used_at IS NULL";
    BY_DIGEST: "invitation.by_digest" =
        "SELECT digest, user_name, makes_operator, created_at, expires_at, used_at \
         FROM invitations WHERE digest = $1";
}

/// Adds an invitation.
pub fn insert(invitation: &InvitationRecord) -> Statement {
    statement!(INSERT [
        invitation.digest, invitation.user_name, invitation.makes_operator, invitation.created_at,
        invitation.expires_at, invitation.used_at,
    ] expecting Expect::Rows(1))
}

/// Uses an invitation up; refused when it was used before or has expired.
pub fn consume(digest: &Digest, now: Timestamp) -> Statement {
    statement!(CONSUME [now, digest] expecting Expect::Rows(1))
}

/// Retires every unused set-up link, so that only the newest works.
pub fn revoke_set_up(now: Timestamp) -> Statement {
    statement!(REVOKE_SET_UP [now] expecting Expect::Any)
}

impl Store {
    /// The invitation of this token, used and expired ones included.
    pub async fn invitation(&self, digest: &Digest) -> Result<Option<InvitationRecord>, StoreError> {
        self.optional(&BY_DIGEST, values![digest], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<InvitationRecord, StoreError> {
    let mut columns = row.columns_of("invitations");
    Ok(InvitationRecord {
        digest: columns.next("digest")?,
        user_name: columns.next("user_name")?,
        makes_operator: columns.next("makes_operator")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
        used_at: columns.next("used_at")?,
    })
}
