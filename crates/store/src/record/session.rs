//! Browser sessions: who is logged in where.

use oauth::{Timestamp, UserId};
use secret::Digest;

use super::user::{self, UserRecord};
use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `sessions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Digest of the token in the cookie.
    pub digest: Digest,
    /// Who logged in.
    pub user_id: UserId,
    /// The user's generation at login.
    pub credentials_generation: i64,
    /// When the user proved who they are; `auth_time`.
    pub created_at: Timestamp,
    /// From here on the user has to log in again.
    pub expires_at: Timestamp,
}

sql! {
    INSERT: "session.insert" =
        "INSERT INTO sessions (digest, user_id, credentials_generation, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING";
    DELETE: "session.delete" = "DELETE FROM sessions WHERE digest = $1";
    LIVE: "session.live" =
        "SELECT s.digest, s.user_id, s.credentials_generation, s.created_at, s.expires_at, \
                u.id, u.name, u.display_name, u.password_hash, u.is_operator, u.state, \
                u.credentials_generation, u.created_at, u.roles \
         FROM sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.digest = $1 AND s.expires_at > $2 AND u.state = 'active' \
           AND u.credentials_generation = s.credentials_generation";
}

/// Begins a session.
pub fn insert(session: &SessionRecord) -> Statement {
    statement!(INSERT [
        session.digest, session.user_id, session.credentials_generation, session.created_at,
        session.expires_at,
    ] expecting Expect::Rows(1))
}

/// Ends a session, if there is one.
pub fn delete(digest: &Digest) -> Statement {
    statement!(DELETE [digest] expecting Expect::Any)
}

impl Store {
    /// The session of this cookie and its user, only while it is unexpired, the user is active, and their
    /// credentials are those of the login.
    pub async fn session(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<(SessionRecord, UserRecord)>, StoreError> {
        self.optional(&LIVE, values![digest, now], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<(SessionRecord, UserRecord), StoreError> {
    let mut columns = row.columns_of("sessions");
    let session = SessionRecord {
        digest: columns.next("digest")?,
        user_id: columns.next("user_id")?,
        credentials_generation: columns.next("credentials_generation")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
    };
    Ok((session, user::from_row(row)?))
}
