//! What a user has allowed a client before, so that they are not asked again for the same.

use oauth::{ClientId, ResourceIndicator, Scope, Timestamp, UserId};

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `consents`. The first four fields are its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Who allowed.
    pub user_id: UserId,
    /// Whom.
    pub client_id: ClientId,
    /// To send the response where: [`oauth::RedirectUri::consent_host`].
    pub redirect_host: String,
    /// To use what.
    pub resource: ResourceIndicator,
    /// How far.
    pub scope: Scope,
    /// When it was allowed last.
    pub granted_at: Timestamp,
}

sql! {
    REMEMBER: "consent.remember" =
        "INSERT INTO consents (user_id, client_id, redirect_host, resource, scope, granted_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (user_id, client_id, redirect_host, resource) \
         DO UPDATE SET scope = excluded.scope, granted_at = excluded.granted_at";
    WITHDRAW: "consent.withdraw" = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2";
    BY_KEY: "consent.by_key" =
        "SELECT user_id, client_id, redirect_host, resource, scope, granted_at FROM consents \
         WHERE user_id = $1 AND client_id = $2 AND redirect_host = $3 AND resource = $4";
}

/// Remembers a consent in place of the one before; the caller has put the earlier scope in already.
pub fn remember(consent: &ConsentRecord) -> Statement {
    statement!(REMEMBER [
        consent.user_id, consent.client_id, consent.redirect_host, consent.resource, consent.scope,
        consent.granted_at,
    ] expecting Expect::Rows(1))
}

/// Forgets all that a user allowed a client.
pub fn withdraw(user_id: &UserId, client_id: &ClientId) -> Statement {
    statement!(WITHDRAW [user_id, client_id] expecting Expect::Any)
}

impl Store {
    /// What this user allowed this client, for this destination and resource.
    pub async fn consent(
        &self,
        user_id: &UserId,
        client_id: &ClientId,
        redirect_host: &str,
        resource: &ResourceIndicator,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        self.optional(&BY_KEY, values![user_id, client_id, redirect_host, resource], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<ConsentRecord, StoreError> {
    let mut columns = row.columns_of("consents");
    Ok(ConsentRecord {
        user_id: columns.next("user_id")?,
        client_id: columns.next("client_id")?,
        redirect_host: columns.next("redirect_host")?,
        resource: columns.next("resource")?,
        scope: columns.next("scope")?,
        granted_at: columns.next("granted_at")?,
    })
}
