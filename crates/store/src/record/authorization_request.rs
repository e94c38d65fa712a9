//! Authorization requests that passed validation and wait for the user's decision.

use oauth::{ClientId, CodeChallenge, RedirectUri, ResourceIndicator, Scope, Timestamp};
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `authorization_requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequestRecord {
    /// Digest of the token that names the request in our pages.
    pub digest: Digest,
    /// Digest of the cookie of the browser that brought it: only that browser may decide.
    pub browser_digest: Digest,
    /// Who asks.
    pub client_id: ClientId,
    /// Where the response goes: the requested URI, with its port.
    pub redirect_uri: RedirectUri,
    /// The client's `state`, given back byte for byte.
    pub state: Option<String>,
    /// What it asks for.
    pub scope: Scope,
    /// For which resource.
    pub resource: ResourceIndicator,
    /// PKCE, S256.
    pub code_challenge: CodeChallenge,
    /// The `prompt` parameter as it came.
    pub prompt: Option<String>,
    /// When it came.
    pub created_at: Timestamp,
    /// From here on it cannot be decided.
    pub expires_at: Timestamp,
    /// When the user decided.
    pub decided_at: Option<Timestamp>,
}

sql! {
    INSERT: "authorization_request.insert" =
        "INSERT INTO authorization_requests (digest, browser_digest, client_id, redirect_uri, state, scope, \
                                             resource, code_challenge, prompt, created_at, expires_at, decided_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT DO NOTHING";
    DECIDE: "authorization_request.decide" =
        "UPDATE authorization_requests SET decided_at = $1 \
         WHERE digest = $2 AND browser_digest = $3 AND decided_at IS NULL AND expires_at > $1";
    BY_DIGEST: "authorization_request.by_digest" =
        "SELECT digest, browser_digest, client_id, redirect_uri, state, scope, \
                resource, code_challenge, prompt, created_at, expires_at, decided_at \
         FROM authorization_requests WHERE digest = $1";
}

/// Keeps a request.
pub fn insert(request: &AuthorizationRequestRecord) -> Statement {
    statement!(INSERT [
        request.digest, request.browser_digest, request.client_id, request.redirect_uri, request.state,
        request.scope, request.resource, request.code_challenge, request.prompt, request.created_at,
        request.expires_at, request.decided_at,
    ] expecting Expect::Rows(1))
}

/// Marks a request as decided; refused when it was before, has expired, or is another browser's.
pub fn decide(digest: &Digest, browser_digest: &Digest, now: Timestamp) -> Statement {
    statement!(DECIDE [now, digest, browser_digest] expecting Expect::Rows(1))
}

impl Store {
    /// The request of this token, decided and expired ones included.
    pub async fn authorization_request(
        &self,
        digest: &Digest,
    ) -> Result<Option<AuthorizationRequestRecord>, StoreError> {
        self.optional(&BY_DIGEST, values![digest], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<AuthorizationRequestRecord, StoreError> {
    let mut columns = row.columns_of("authorization_requests");
    Ok(AuthorizationRequestRecord {
        digest: columns.next("digest")?,
        browser_digest: columns.next("browser_digest")?,
        client_id: columns.next("client_id")?,
        redirect_uri: columns.next("redirect_uri")?,
        state: columns.next("state")?,
        scope: columns.next("scope")?,
        resource: columns.next("resource")?,
        code_challenge: columns.next("code_challenge")?,
        prompt: columns.next("prompt")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
        decided_at: columns.next("decided_at")?,
    })
}
