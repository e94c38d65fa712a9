//! Authorization codes (RFC 6749 §4.1): redeemed at most once, over all nodes.

use oauth::{ClientId, CodeChallenge, GrantId, RedirectUri, ResourceIndicator, Scope, Timestamp, UserId};
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `authorization_codes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCodeRecord {
    /// Digest of the code.
    pub digest: Digest,
    /// The grant that redemption makes, and that a second redemption revokes.
    pub grant_id: GrantId,
    /// Who may redeem.
    pub client_id: ClientId,
    /// Who consented.
    pub user_id: UserId,
    /// Where the code was sent.
    pub redirect_uri: RedirectUri,
    /// What was consented to.
    pub scope: Scope,
    /// For which resource.
    pub resource: ResourceIndicator,
    /// PKCE, S256.
    pub code_challenge: CodeChallenge,
    /// When the user proved who they are.
    pub authenticated_at: Timestamp,
    /// When the code was made.
    pub issued_at: Timestamp,
    /// From here on it cannot be redeemed.
    pub expires_at: Timestamp,
    /// When it was redeemed or burnt.
    pub redeemed_at: Option<Timestamp>,
}

sql! {
    INSERT: "authorization_code.insert" =
        "INSERT INTO authorization_codes (digest, grant_id, client_id, user_id, redirect_uri, \
                                          scope, resource, code_challenge, \
                                          authenticated_at, issued_at, expires_at, redeemed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT DO NOTHING";
    REDEEM: "authorization_code.redeem" =
        "UPDATE authorization_codes SET redeemed_at = $1 \
         WHERE digest = $2 AND redeemed_at IS NULL AND expires_at > $1";
    BURN: "authorization_code.burn" =
        "UPDATE authorization_codes SET redeemed_at = $1 WHERE digest = $2 AND redeemed_at IS NULL";
    BY_DIGEST: "authorization_code.by_digest" =
        "SELECT digest, grant_id, client_id, user_id, redirect_uri, scope, resource, \
                code_challenge, authenticated_at, issued_at, expires_at, redeemed_at \
         FROM authorization_codes WHERE digest = $1";
}

/// Adds a code.
pub fn insert(code: &AuthorizationCodeRecord) -> Statement {
    statement!(INSERT [
        code.digest, code.grant_id, code.client_id, code.user_id, code.redirect_uri,
        code.scope, code.resource, code.code_challenge, code.authenticated_at,
        code.issued_at, code.expires_at, code.redeemed_at,
    ] expecting Expect::Rows(1))
}

/// Redeems a code; refused when it was redeemed or burnt before, or has expired.
pub fn redeem(digest: &Digest, now: Timestamp) -> Statement {
    statement!(REDEEM [now, digest] expecting Expect::Rows(1))
}

/// Makes a code unusable, after a redemption that failed in a way only an attacker's would.
pub fn burn(digest: &Digest, now: Timestamp) -> Statement {
    statement!(BURN [now, digest] expecting Expect::Any)
}

impl Store {
    /// The record of this code, redeemed and expired ones included.
    pub async fn authorization_code(
        &self,
        digest: &Digest,
    ) -> Result<Option<AuthorizationCodeRecord>, StoreError> {
        self.optional(&BY_DIGEST, values![digest], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<AuthorizationCodeRecord, StoreError> {
    let mut columns = row.columns_of("authorization_codes");
    Ok(AuthorizationCodeRecord {
        digest: columns.next("digest")?,
        grant_id: columns.next("grant_id")?,
        client_id: columns.next("client_id")?,
        user_id: columns.next("user_id")?,
        redirect_uri: columns.next("redirect_uri")?,
        scope: columns.next("scope")?,
        resource: columns.next("resource")?,
        code_challenge: columns.next("code_challenge")?,
        authenticated_at: columns.next("authenticated_at")?,
        issued_at: columns.next("issued_at")?,
        expires_at: columns.next("expires_at")?,
        redeemed_at: columns.next("redeemed_at")?,
    })
}
