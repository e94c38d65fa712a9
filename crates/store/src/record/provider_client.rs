//! Authorization servers that were discovered, pinned, and who we are there.

use oauth::Timestamp;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `provider_clients`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderClientRecord {
    /// Primary key: the provider.
    pub provider: String,
    /// The MCP server whose authorization server it is.
    pub resource: String,
    /// The authorization server. Another one does not take its place by itself.
    pub issuer: String,
    /// Its endpoints and our client there, sealed by the keyring.
    pub registered_sealed: Vec<u8>,
    /// When it was pinned, or we registered anew.
    pub created_at: Timestamp,
    /// When our client ends there.
    pub expires_at: Option<Timestamp>,
}

sql! {
    INSERT: "provider_client.insert" =
        "INSERT INTO provider_clients (provider, resource, issuer, registered_sealed, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    REPLACE: "provider_client.replace" =
        "UPDATE provider_clients SET resource = $1, issuer = $2, registered_sealed = $3, created_at = $4, \
                                     expires_at = $5 \
         WHERE provider = $6 AND created_at = $7";
    DELETE: "provider_client.delete" = "DELETE FROM provider_clients WHERE provider = $1";
    BY_PROVIDER: "provider_client.by_provider" =
        "SELECT provider, resource, issuer, registered_sealed, created_at, expires_at \
         FROM provider_clients WHERE provider = $1";
}

/// Pins an authorization server; refused when one is pinned.
pub fn insert(client: &ProviderClientRecord) -> Statement {
    statement!(INSERT [
        client.provider, client.resource, client.issuer, client.registered_sealed, client.created_at,
        client.expires_at,
    ] expecting Expect::Rows(1))
}

/// Puts `client` in place of the one that was made at `before`; refused when that was done already.
pub fn replace(client: &ProviderClientRecord, before: Timestamp) -> Statement {
    statement!(REPLACE [
        client.resource, client.issuer, client.registered_sealed, client.created_at, client.expires_at,
        client.provider, before,
    ] expecting Expect::Rows(1))
}

/// Lets go of an authorization server, so that the next one that is discovered is pinned; refused when none is.
pub fn delete(provider: &str) -> Statement {
    statement!(DELETE [provider] expecting Expect::Rows(1))
}

impl Store {
    /// The authorization server that is pinned for a provider.
    pub async fn provider_client(&self, provider: &str) -> Result<Option<ProviderClientRecord>, StoreError> {
        self.optional(&BY_PROVIDER, values![provider], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<ProviderClientRecord, StoreError> {
    let mut columns = row.columns_of("provider_clients");
    Ok(ProviderClientRecord {
        provider: columns.next("provider")?,
        resource: columns.next("resource")?,
        issuer: columns.next("issuer")?,
        registered_sealed: columns.next("registered_sealed")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
    })
}
