//! Browsers on their way to a provider and back. Each `state` is good for one answer.

use oauth::{Timestamp, UserId};
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `connect_attempts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectAttemptRecord {
    /// Primary key: the digest of `state`, as text.
    pub id: String,
    /// What is to be connected.
    pub request_id: String,
    /// Who was signed in when the browser left.
    pub user_id: UserId,
    /// Digest of the cookie of the browser that left: only that browser may come back.
    pub browser_digest: Digest,
    /// What the answer is checked by and the code redeemed with, sealed by the keyring.
    pub flow_sealed: Vec<u8>,
    /// When the browser left.
    pub created_at: Timestamp,
    /// From here on no answer is taken.
    pub expires_at: Timestamp,
    /// When an answer was taken.
    pub used_at: Option<Timestamp>,
}

sql! {
    INSERT: "connect_attempt.insert" =
        "INSERT INTO connect_attempts (id, request_id, user_id, browser_digest, flow_sealed, created_at, expires_at, \
                                       used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    USE: "connect_attempt.use" =
        "UPDATE connect_attempts SET used_at = $1 \
         WHERE id = $2 AND user_id = $3 AND browser_digest = $4 AND used_at IS NULL AND expires_at > $1";
    BY_ID: "connect_attempt.by_id" =
        "SELECT id, request_id, user_id, browser_digest, flow_sealed, created_at, expires_at, used_at \
         FROM connect_attempts WHERE id = $1";
}

/// Remembers a browser before it is sent away.
pub fn insert(attempt: &ConnectAttemptRecord) -> Statement {
    statement!(INSERT [
        attempt.id, attempt.request_id, attempt.user_id, attempt.browser_digest, attempt.flow_sealed,
        attempt.created_at, attempt.expires_at, attempt.used_at,
    ] expecting Expect::Rows(1))
}

/// Takes the one answer; refused when one was taken before, it is too late, or another browser or user brings it.
pub fn take(id: &str, user: &UserId, browser: &Digest, now: Timestamp) -> Statement {
    statement!(USE [now, id, user, browser] expecting Expect::Rows(1))
}

impl Store {
    /// The attempt of a `state`.
    pub async fn connect_attempt(&self, id: &str) -> Result<Option<ConnectAttemptRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<ConnectAttemptRecord, StoreError> {
    let mut columns = row.columns_of("connect_attempts");
    Ok(ConnectAttemptRecord {
        id: columns.next("id")?,
        request_id: columns.next("request_id")?,
        user_id: columns.next("user_id")?,
        browser_digest: columns.next("browser_digest")?,
        flow_sealed: columns.next("flow_sealed")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
        used_at: columns.next("used_at")?,
    })
}
