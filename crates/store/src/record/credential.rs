//! What opens a connection, and who is renewing it.
//!
//! A refresh *takes* the row ([`Store::take_credential`]): one conditional statement that counts up the fence, by the
//! database's time. It *stores* what the provider gave ([`renew`]), or says how it ended without that ([`give_back`],
//! [`end`]). A holder that was fenced out may still store what it received ([`renew_late`]), if nobody else has.

use std::time::Duration;

use oauth::Timestamp;
use secret::Digest;

use super::connection::{self, ConnectionRecord};
use crate::{
    Store,
    error::{CommitError, StoreError},
    row::{Columns, Row},
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// What is stored of a credential, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// The data key, sealed by the keyring.
    pub data_key_sealed: Vec<u8>,
    /// The credential, sealed by the data key.
    pub sealed: Vec<u8>,
    /// When it was obtained.
    pub obtained_at: Timestamp,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// Whether there is something to renew it with.
    pub is_renewable: bool,
}

/// A row of `credentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// The connection it opens.
    pub connection_id: String,
    /// What is sealed.
    pub sealed: SealedCredential,
    /// 1 at first, one more with each renewal.
    pub generation: i64,
    /// Counts who took it.
    pub fence: i64,
    /// Until when it is taken, by the database's time.
    pub leased_until: Timestamp,
    /// By which node.
    pub leased_by: Option<String>,
    /// Digest of the refresh token that was or is being presented, as long as the outcome is not known.
    pub intent: Option<Digest>,
    /// How often that was presented.
    pub attempts: i64,
    /// How many renewals failed in a row.
    pub failures: i64,
    /// Before when none is tried, by the database's time.
    pub not_before: Timestamp,
    /// How often it was renewed because it was refused before its end, within the hour that began at `refusals_since`.
    pub refusals: i64,
    /// See `refusals`; by the database's time.
    pub refusals_since: Timestamp,
}

/// A connection with its credential, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCredential {
    /// The connection.
    pub connection: ConnectionRecord,
    /// What opens it.
    pub credential: CredentialRecord,
    /// The moment, by the database's time.
    pub read_at: Timestamp,
}

/// A claim on a credential, for one attempt to renew it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The connection.
    pub connection_id: &'a str,
    /// The fence that was read; another one means that somebody else was here.
    pub fence: i64,
    /// The generation that was read.
    pub generation: i64,
    /// The node.
    pub node: &'a str,
    /// For how long.
    pub lasts: Duration,
    /// Digest of the refresh token that will be presented.
    pub intent: &'a Digest,
    /// Whether the renewal can wait: then it is not made while somebody has a lease on the connection.
    pub can_wait: bool,
}

sql! {
    INSERT: "credential.insert" =
        "INSERT INTO credentials (connection_id, data_key_sealed, sealed, generation, obtained_at, \
                                  expires_at, is_renewable, fence, leased_until, leased_by, intent, attempts, \
                                  failures, not_before, refusals, refusals_since) \
         VALUES ($1, $2, $3, 1, $4, $5, $6, 0, 0, NULL, NULL, 0, 0, 0, 0, 0) \
         ON CONFLICT DO NOTHING";
    REPLACE: "credential.replace" =
        "UPDATE credentials SET data_key_sealed = $1, sealed = $2, obtained_at = $3, \
                                expires_at = $4, is_renewable = $5, generation = generation + 1, \
                                fence = fence + 1, leased_until = 0, leased_by = NULL, intent = NULL, attempts = 0, \
                                failures = 0, not_before = 0, refusals = 0 \
         WHERE connection_id = $6 AND generation = $7";
    TAKE: "credential.take" =
        "UPDATE credentials SET fence = fence + 1, leased_until = {now} + $1, leased_by = $2, intent = $3, \
                                attempts = attempts + 1 \
         WHERE connection_id = $4 AND fence = $5 AND generation = $6 AND leased_until <= {now} \
           AND not_before <= {now} \
           AND (CAST($7 AS BIGINT) = 0 OR NOT EXISTS \
                (SELECT 1 FROM connection_leases l WHERE l.connection_id = credentials.connection_id \
                                                     AND l.mode <> 'waiting' AND l.ends_at > {now}))";
    RENEW: "credential.renew" =
        "UPDATE credentials SET data_key_sealed = $1, sealed = $2, obtained_at = $3, \
                                expires_at = $4, is_renewable = $5, generation = generation + 1, \
                                leased_until = 0, leased_by = NULL, intent = NULL, attempts = 0, failures = 0, \
                                not_before = 0 \
         WHERE connection_id = $6 AND generation = $7 AND fence = $8";
    COUNT_REFUSAL: "credential.count_refusal" =
        "UPDATE credentials SET \
           refusals = CASE WHEN refusals_since > {now} - 3600000 THEN refusals + 1 ELSE 1 END, \
           refusals_since = CASE WHEN refusals_since > {now} - 3600000 THEN refusals_since ELSE {now} END \
         WHERE connection_id = $1";
    GIVE_BACK: "credential.give_back" =
        "UPDATE credentials SET leased_until = 0, leased_by = NULL, intent = NULL, attempts = 0, \
                                failures = failures + 1, not_before = {now} + $1 \
         WHERE connection_id = $2 AND fence = $3";
    KEEP_INTENT: "credential.keep_intent" =
        "UPDATE credentials SET leased_until = 0, leased_by = NULL, failures = failures + 1, not_before = {now} + $1 \
         WHERE connection_id = $2 AND fence = $3";
    END: "credential.end" =
        "UPDATE credentials SET leased_until = 0, leased_by = NULL, intent = NULL, attempts = 0, failures = 0, \
                                not_before = 0 \
         WHERE connection_id = $1 AND fence = $2 AND generation = $3";
    CHOSEN: "credential.chosen" =
        "SELECT n.id, n.owner, n.provider, n.account, n.account_name, n.kind, n.scope, n.reconnect_reason, \
                n.generation, n.chosen_at, n.created_at, n.last_used_at, \
                c.connection_id, c.data_key_sealed, c.sealed, c.obtained_at, c.expires_at, \
                c.is_renewable, c.generation, c.fence, c.leased_until, c.leased_by, c.intent, c.attempts, \
                c.failures, c.not_before, c.refusals, c.refusals_since, {now} \
         FROM connections n JOIN credentials c ON c.connection_id = n.id \
         WHERE n.owner = $1 AND n.provider = $2 ORDER BY n.chosen_at DESC, n.id LIMIT 1";
    BY_CONNECTION: "credential.by_connection" =
        "SELECT n.id, n.owner, n.provider, n.account, n.account_name, n.kind, n.scope, n.reconnect_reason, \
                n.generation, n.chosen_at, n.created_at, n.last_used_at, \
                c.connection_id, c.data_key_sealed, c.sealed, c.obtained_at, c.expires_at, \
                c.is_renewable, c.generation, c.fence, c.leased_until, c.leased_by, c.intent, c.attempts, \
                c.failures, c.not_before, c.refusals, c.refusals_since, {now} \
         FROM connections n JOIN credentials c ON c.connection_id = n.id \
         WHERE n.id = $1";
    LEAVE: "credential.leave" =
        "UPDATE credentials SET leased_until = 0 WHERE leased_by = $1 AND intent IS NOT NULL";
    ABANDONED: "credential.abandoned" =
        "SELECT connection_id FROM credentials WHERE intent IS NOT NULL AND leased_until <= {now} \
           AND not_before <= {now} AND connection_id > $1 ORDER BY connection_id LIMIT $2";
}

/// Adds the credential of a connection that was added before in the same batch.
pub fn insert(connection_id: &str, sealed: &SealedCredential) -> Statement {
    statement!(INSERT [
        connection_id, sealed.data_key_sealed, sealed.sealed, sealed.obtained_at,
        sealed.expires_at, sealed.is_renewable,
    ] expecting Expect::Rows(1))
}

/// Puts another credential in place of the one of generation `from`, whoever is renewing it: that renewal is void.
pub fn replace(connection_id: &str, from: i64, sealed: &SealedCredential) -> Statement {
    statement!(REPLACE [
        sealed.data_key_sealed, sealed.sealed, sealed.obtained_at, sealed.expires_at,
        sealed.is_renewable, connection_id, from,
    ] expecting Expect::Rows(1))
}

/// Takes a credential for one attempt to renew it; refused when somebody else has it, was here since it was read, or it
/// is too early. Its fence is then one more than the claim's.
pub fn take(claim: &Claim<'_>) -> Statement {
    statement!(TAKE [
        milliseconds(claim.lasts), claim.node, claim.intent, claim.connection_id, claim.fence, claim.generation,
        claim.can_wait,
    ] expecting Expect::Rows(1))
}

/// Stores what the provider gave to the holder of `fence`; refused when somebody took the credential since.
pub fn renew(connection_id: &str, from: i64, fence: i64, sealed: &SealedCredential) -> Statement {
    statement!(RENEW [
        sealed.data_key_sealed, sealed.sealed, sealed.obtained_at, sealed.expires_at,
        sealed.is_renewable, connection_id, from, fence,
    ] expecting Expect::Rows(1))
}

/// Stores what the provider gave to a holder that was fenced out; refused when somebody stored another since `from`.
/// Whoever holds the credential now presented the same refresh token, and finds that it came too late.
pub fn renew_late(connection_id: &str, from: i64, sealed: &SealedCredential) -> Statement {
    replace(connection_id, from, sealed)
}

/// Counts a renewal that is made because an API refused the credential before its end; an hour after the first it begins
/// anew.
pub fn count_refusal(connection_id: &str) -> Statement {
    statement!(COUNT_REFUSAL [connection_id] expecting Expect::Any)
}

/// Ends an attempt that surely changed nothing at the provider; no other one is made for `pause`. Refused when the
/// credential was taken by somebody else since.
pub fn give_back(connection_id: &str, fence: i64, pause: Duration) -> Statement {
    statement!(GIVE_BACK [milliseconds(pause), connection_id, fence] expecting Expect::Rows(1))
}

/// Ends an attempt of unknown outcome that may be repeated after `pause`: what was presented stays written down.
pub fn keep_intent(connection_id: &str, fence: i64, pause: Duration) -> Statement {
    statement!(KEEP_INTENT [milliseconds(pause), connection_id, fence] expecting Expect::Rows(1))
}

/// Ends the renewing of a credential that cannot be renewed any more; refused when somebody took it or renewed it since.
pub fn end(connection_id: &str, fence: i64, generation: i64) -> Statement {
    statement!(END [connection_id, fence, generation] expecting Expect::Rows(1))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2).min(i64::MAX / 2)
}

/// Ends the leases of a node whose process is gone. What it had begun stays written down: nobody knows how it ended.
pub fn leave(node: &str) -> Statement {
    statement!(LEAVE [node] expecting Expect::Any)
}

impl Store {
    /// The chosen connection of an owner at a provider, with its credential.
    pub async fn chosen_credential(
        &self,
        owner: &str,
        provider: &str,
    ) -> Result<Option<HeldCredential>, StoreError> {
        self.optional(&CHOSEN, values![owner, provider], held).await
    }

    /// A connection with its credential.
    pub async fn held_credential(&self, connection_id: &str) -> Result<Option<HeldCredential>, StoreError> {
        self.optional(&BY_CONNECTION, values![connection_id], held).await
    }

    /// Takes a credential ([`take`]) and gives the fence; `None` when that was refused.
    ///
    /// # Errors
    /// When the database cannot write, which is then known before anything is sent to a provider.
    pub async fn take_credential(&self, claim: &Claim<'_>) -> Result<Option<i64>, StoreError> {
        match self.commit(take(claim)).await {
            Ok(()) => Ok(Some(claim.fence + 1)),
            Err(CommitError::Refused(_)) => Ok(None),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Up to `limit` connections after the identifier `after` whose renewal was begun by somebody who is gone.
    pub async fn abandoned_renewals(&self, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        self.all(&ABANDONED, values![after, limit], connection_id).await
    }
}

fn connection_id(row: &mut Row) -> Result<String, StoreError> {
    row.columns_of("credentials").next("connection_id")
}

fn held(row: &mut Row) -> Result<HeldCredential, StoreError> {
    let connection = connection::from_columns(&mut row.columns_of("connections"))?;
    let mut columns = row.columns_of("credentials");
    let credential = from_columns(&mut columns)?;
    Ok(HeldCredential { connection, credential, read_at: columns.next("now")? })
}

fn from_columns(columns: &mut Columns<'_>) -> Result<CredentialRecord, StoreError> {
    Ok(CredentialRecord {
        connection_id: columns.next("connection_id")?,
        sealed: SealedCredential {
            data_key_sealed: columns.next("data_key_sealed")?,
            sealed: columns.next("sealed")?,
            obtained_at: columns.next("obtained_at")?,
            expires_at: columns.next("expires_at")?,
            is_renewable: columns.next("is_renewable")?,
        },
        generation: columns.next("generation")?,
        fence: columns.next("fence")?,
        leased_until: columns.next("leased_until")?,
        leased_by: columns.next("leased_by")?,
        intent: columns.next("intent")?,
        attempts: columns.next("attempts")?,
        failures: columns.next("failures")?,
        not_before: columns.next("not_before")?,
        refusals: columns.next("refusals")?,
        refusals_since: columns.next("refusals_since")?,
    })
}
