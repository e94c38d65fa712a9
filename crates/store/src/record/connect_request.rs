//! What a person is asked to connect at a provider, and how that went.

use oauth::{Scope, Timestamp, UserId};

use super::connect_attempt::ConnectAttemptRecord;
use crate::{
    Store,
    column::text_columns,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::{FromValue, ToValue, Value, values},
};

/// A row of `connect_requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRequestRecord {
    /// Primary key: 128 random bits as text, no secret.
    pub id: String,
    /// Whose connection it will be.
    pub owner: String,
    /// Where.
    pub provider: String,
    /// The client whose call waits; empty when a person began it.
    pub client_id: String,
    /// The server whose call waits; empty when a person began it.
    pub server: String,
    /// More about who asks, as JSON.
    pub asked_by: Option<String>,
    /// What is asked for.
    pub scope: Scope,
    /// Why, as JSON.
    pub reason: String,
    /// How far it is.
    pub state: ConnectState,
    /// How it went, as JSON.
    pub outcome: Option<String>,
    /// What the provider gave, sealed, until it is a connection.
    pub received_sealed: Option<Vec<u8>>,
    /// Who allowed it on our page.
    pub allowed_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state changed.
    pub changed_at: Timestamp,
    /// From here on nobody can begin it.
    pub expires_at: Timestamp,
    /// When it came to its end.
    pub completed_at: Option<Timestamp>,
}

/// How far a connect request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectState {
    /// Nobody has begun.
    Open,
    /// A browser was sent to the provider.
    Authorizing,
    /// The provider sent it back, and its code is being redeemed.
    Exchanging,
    /// The provider gave tokens, which are not a connection yet.
    Received,
    /// They are another account's than before; the person has to say what becomes of them.
    AccountChanged,
    /// They are a connection.
    Connected,
    /// The person said no on our page.
    Declined,
    /// The provider or the person there said no.
    Refused,
    /// It went wrong.
    Failed,
}

impl ConnectState {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Open, "open"),
        (Self::Authorizing, "authorizing"),
        (Self::Exchanging, "exchanging"),
        (Self::Received, "received"),
        (Self::AccountChanged, "account_changed"),
        (Self::Connected, "connected"),
        (Self::Declined, "declined"),
        (Self::Refused, "refused"),
        (Self::Failed, "failed"),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, text)| text)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(state, _)| *state)
    }
}

text_columns! {
    ConnectState: |state| state.as_str().to_owned(), |text| Self::parse(&text);
}

sql! {
    INSERT: "connect_request.insert" =
        "INSERT INTO connect_requests (id, owner, provider, client_id, server, asked_by, scope, reason, state, outcome, \
                                       received_sealed, allowed_by, created_at, changed_at, expires_at, completed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT DO NOTHING";
    EXTEND: "connect_request.extend" =
        "UPDATE connect_requests SET asked_by = $1, scope = $2, reason = $3, expires_at = $4 \
         WHERE id = $5 AND scope = $6 AND completed_at IS NULL";
    ALLOW: "connect_request.allow" =
        "UPDATE connect_requests SET allowed_by = $1, changed_at = $2 \
         WHERE id = $3 AND completed_at IS NULL AND expires_at > $2 \
           AND state IN ('open', 'authorizing', 'exchanging', 'refused', 'failed')";
    AUTHORIZE: "connect_request.authorize" =
        "UPDATE connect_requests SET state = 'authorizing', outcome = NULL, changed_at = $1, \
                                     expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END \
         WHERE id = $3 AND allowed_by = $4 AND completed_at IS NULL AND expires_at > $1 \
           AND (state IN ('open', 'authorizing', 'refused', 'failed') \
                OR (state = 'exchanging' AND changed_at <= $5))";
    EXCHANGE: "connect_request.exchange" =
        "UPDATE connect_requests SET state = 'exchanging', changed_at = $1 \
         WHERE id = $2 AND completed_at IS NULL \
           AND (state IN ('open', 'authorizing', 'refused', 'failed') \
                OR (state = 'exchanging' AND changed_at <= $3))";
    RECEIVE: "connect_request.receive" =
        "UPDATE connect_requests SET state = 'received', received_sealed = $1, changed_at = $2, expires_at = $3 \
         WHERE id = $4 AND state = 'exchanging'";
    ASK: "connect_request.ask" =
        "UPDATE connect_requests SET state = 'account_changed', outcome = $1, received_sealed = $2, changed_at = $3 \
         WHERE id = $4 AND state = 'received'";
    END: "connect_request.end" =
        "UPDATE connect_requests SET state = $1, outcome = $2, changed_at = $3 \
         WHERE id = $4 AND state IN ('open', 'authorizing', 'exchanging') AND completed_at IS NULL";
    COMPLETE: "connect_request.complete" =
        "UPDATE connect_requests SET state = $1, outcome = $2, received_sealed = NULL, changed_at = $3, \
                                     completed_at = $3 \
         WHERE id = $4 AND state = $5 AND completed_at IS NULL";
    DECLINE: "connect_request.decline" =
        "UPDATE connect_requests SET state = 'declined', changed_at = $1, completed_at = $1 \
         WHERE id = $2 AND completed_at IS NULL AND state IN ('open', 'authorizing', 'refused', 'failed')";
    BY_ID: "connect_request.by_id" =
        "SELECT id, owner, provider, client_id, server, asked_by, scope, reason, state, outcome, received_sealed, \
                allowed_by, created_at, changed_at, expires_at, completed_at \
         FROM connect_requests WHERE id = $1";
    OPEN: "connect_request.open" =
        "SELECT id, owner, provider, client_id, server, asked_by, scope, reason, state, outcome, received_sealed, \
                allowed_by, created_at, changed_at, expires_at, completed_at \
         FROM connect_requests \
         WHERE owner = $1 AND provider = $2 AND client_id = $3 AND server = $4 AND completed_at IS NULL";
    LEFT_OVER: "connect_request.left_over" =
        "SELECT id, owner, provider, client_id, server, asked_by, scope, reason, state, outcome, received_sealed, \
                allowed_by, created_at, changed_at, expires_at, completed_at \
         FROM connect_requests \
         WHERE received_sealed IS NOT NULL AND ((state = 'received' AND changed_at <= $1) OR expires_at <= $2) \
         ORDER BY id LIMIT $3";
}

/// Adds a request; refused when there is an open one for the same owner, provider, client and server.
pub fn insert(request: &ConnectRequestRecord) -> Statement {
    statement!(INSERT [
        request.id, request.owner, request.provider, request.client_id, request.server, request.asked_by,
        request.scope, request.reason, request.state, request.outcome, request.received_sealed,
        request.allowed_by, request.created_at, request.changed_at, request.expires_at, request.completed_at,
    ] expecting Expect::Rows(1))
}

/// Gives an open request that has the scope `before` the rest of what `request` says; refused when somebody else has
/// changed its scope since.
pub fn extend(request: &ConnectRequestRecord, before: &Scope) -> Statement {
    statement!(EXTEND [
        request.asked_by, request.scope, request.reason, request.expires_at, request.id, before,
    ] expecting Expect::Rows(1))
}

/// Remembers who allowed it on our page; refused when it is not open.
pub fn allow(id: &str, user: &UserId, now: Timestamp) -> Statement {
    statement!(ALLOW [user, now, id] expecting Expect::Rows(1))
}

/// A browser is about to be sent to the provider, and may come back until `attempt.expires_at`; refused when its user
/// has not allowed it, or the request is not open. A code that has been on its way to being redeemed since before `stale`
/// is given up.
pub fn authorize(attempt: &ConnectAttemptRecord, stale: Timestamp) -> Statement {
    statement!(AUTHORIZE [
        attempt.created_at, attempt.expires_at, attempt.request_id, attempt.user_id, stale,
    ] expecting Expect::Rows(1))
}

/// A code is about to be redeemed; refused when another one is, or something was received already.
pub fn exchange(id: &str, now: Timestamp, stale: Timestamp) -> Statement {
    statement!(EXCHANGE [now, id, stale] expecting Expect::Rows(1))
}

/// Keeps what the provider gave, until `expires_at` at least; refused when nobody was waiting for it.
pub fn receive(id: &str, sealed: &[u8], now: Timestamp, expires_at: Timestamp) -> Statement {
    statement!(RECEIVE [sealed, now, expires_at, id] expecting Expect::Rows(1))
}

/// What was received is another account's, which is sealed along with it; refused when it is no longer as it was
/// received.
pub fn ask(id: &str, outcome: &str, sealed: &[u8], now: Timestamp) -> Statement {
    statement!(ASK [outcome, sealed, now, id] expecting Expect::Rows(1))
}

/// Ends one try in a state from which another may begin; refused when something was received.
pub fn end(id: &str, state: ConnectState, outcome: &str, now: Timestamp) -> Statement {
    statement!(END [state, outcome, now, id] expecting Expect::Rows(1))
}

/// Ends the request for good, from the state `from`, and forgets what was received; refused when it is in another state.
pub fn complete(
    id: &str,
    from: ConnectState,
    state: ConnectState,
    outcome: &str,
    now: Timestamp,
) -> Statement {
    statement!(COMPLETE [state, outcome, now, id, from] expecting Expect::Rows(1))
}

/// The person said no on our page; refused when something is on its way already.
pub fn decline(id: &str, now: Timestamp) -> Statement {
    statement!(DECLINE [now, id] expecting Expect::Rows(1))
}

impl Store {
    /// A request.
    pub async fn connect_request(&self, id: &str) -> Result<Option<ConnectRequestRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }

    /// The request that is open for this owner, provider, client and server, even if it has expired.
    pub async fn open_connect_request(
        &self,
        owner: &str,
        provider: &str,
        client_id: &str,
        server: &str,
    ) -> Result<Option<ConnectRequestRecord>, StoreError> {
        self.optional(&OPEN, values![owner, provider, client_id, server], from_row).await
    }

    /// Up to `limit` requests with something received that nobody sees to: received before `stale` and not made a
    /// connection, or expired before the person said what becomes of it.
    pub async fn left_over_connect_requests(
        &self,
        stale: Timestamp,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<ConnectRequestRecord>, StoreError> {
        self.all(&LEFT_OVER, values![stale, now, limit], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<ConnectRequestRecord, StoreError> {
    let mut columns = row.columns_of("connect_requests");
    Ok(ConnectRequestRecord {
        id: columns.next("id")?,
        owner: columns.next("owner")?,
        provider: columns.next("provider")?,
        client_id: columns.next("client_id")?,
        server: columns.next("server")?,
        asked_by: columns.next("asked_by")?,
        scope: columns.next("scope")?,
        reason: columns.next("reason")?,
        state: columns.next("state")?,
        outcome: columns.next("outcome")?,
        received_sealed: columns.next("received_sealed")?,
        allowed_by: columns.next("allowed_by")?,
        created_at: columns.next("created_at")?,
        changed_at: columns.next("changed_at")?,
        expires_at: columns.next("expires_at")?,
        completed_at: columns.next("completed_at")?,
    })
}
