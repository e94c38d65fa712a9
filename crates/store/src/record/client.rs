//! Registered clients (RFC 7591).

use oauth::{ApplicationType, ClientId, GrantType, RedirectUri, Scope, Timestamp, TokenEndpointAuthMethod};
use secret::Digest;
use serde_json::{Map, Value as Json};

use crate::{
    Store,
    column::text_columns,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::{FromValue, ToValue, Value, values},
};

/// A row of `clients`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRecord {
    /// Primary key.
    pub id: ClientId,
    /// `client_name`: what the client says of itself, unverified.
    pub name: String,
    /// Where responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates at the token endpoint.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// Whether the client chose that method itself. One that left it out may send its secret either way.
    pub chose_auth_method: bool,
    /// Digest of the client secret; `None` for public clients.
    pub secret_digest: Option<Digest>,
    /// What it may send to the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// The most it may ask for.
    pub scope: Scope,
    /// `web` or `native`.
    pub application_type: ApplicationType,
    /// Who registered it.
    pub origin: ClientOrigin,
    /// What else it said of itself (`client_uri` and so on), for display, unverified.
    pub metadata: Map<String, Json>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Quarantine: when the registration ends unless a user grants something; `None` once one did.
    pub expires_at: Option<Timestamp>,
}

/// Who registered a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// Somebody unknown, by RFC 7591.
    Dynamic,
    /// An operator.
    Operator,
}

text_columns! {
    ClientOrigin:
        |origin| match origin { Self::Dynamic => "dynamic", Self::Operator => "operator" }.to_owned(),
        |text| match text.as_str() {
            "dynamic" => Some(Self::Dynamic),
            "operator" => Some(Self::Operator),
            _ => None,
        };
}

sql! {
    INSERT: "client.insert" =
        "INSERT INTO clients (id, name, redirect_uris, token_endpoint_auth_method, chose_auth_method, \
                              secret_digest, grant_types, scope, application_type, origin, metadata, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT DO NOTHING";
    MARK_GRANTED: "client.mark_granted" =
        "UPDATE clients SET expires_at = NULL WHERE id = $1 AND expires_at IS NOT NULL";
    DELETE: "client.delete" = "DELETE FROM clients WHERE id = $1";
    BY_ID: "client.by_id" =
        "SELECT id, name, redirect_uris, token_endpoint_auth_method, chose_auth_method, secret_digest, grant_types, \
                scope, application_type, origin, metadata, created_at, expires_at \
         FROM clients WHERE id = $1";
    ALL: "client.all" =
        "SELECT id, name, redirect_uris, token_endpoint_auth_method, chose_auth_method, secret_digest, grant_types, \
                scope, application_type, origin, metadata, created_at, expires_at \
         FROM clients ORDER BY created_at, id";
    COUNT_DYNAMIC: "client.count_dynamic" = "SELECT COUNT(*) FROM clients WHERE origin = 'dynamic'";
}

/// Adds a client; refused when the id is taken.
pub fn insert(client: &ClientRecord) -> Statement {
    statement!(INSERT [
        client.id, client.name, client.redirect_uris, client.token_endpoint_auth_method,
        client.chose_auth_method,
        client.secret_digest, client.grant_types, client.scope, client.application_type, client.origin,
        client.metadata, client.created_at, client.expires_at,
    ] expecting Expect::Rows(1))
}

/// Ends the quarantine, if there is one: a user granted this client something.
pub fn mark_granted(id: &ClientId) -> Statement {
    statement!(MARK_GRANTED [id] expecting Expect::Any)
}

/// Removes a client; refused when there is none. Its grants stay and have to be revoked beside.
pub fn delete(id: &ClientId) -> Statement {
    statement!(DELETE [id] expecting Expect::Rows(1))
}

impl Store {
    /// The client with this id, in quarantine or not.
    pub async fn client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }

    /// All clients, oldest first.
    pub async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.all(&ALL, values![], from_row).await
    }

    /// How many clients registered themselves, for the limit on them.
    pub async fn count_dynamic_clients(&self) -> Result<i64, StoreError> {
        let count = |row: &mut Row| row.columns_of("clients").next("count");
        Ok(self.optional(&COUNT_DYNAMIC, values![], count).await?.unwrap_or(0))
    }
}

fn from_row(row: &mut Row) -> Result<ClientRecord, StoreError> {
    let mut columns = row.columns_of("clients");
    Ok(ClientRecord {
        id: columns.next("id")?,
        name: columns.next("name")?,
        redirect_uris: columns.next("redirect_uris")?,
        token_endpoint_auth_method: columns.next("token_endpoint_auth_method")?,
        chose_auth_method: columns.next("chose_auth_method")?,
        secret_digest: columns.next("secret_digest")?,
        grant_types: columns.next("grant_types")?,
        scope: columns.next("scope")?,
        application_type: columns.next("application_type")?,
        origin: columns.next("origin")?,
        metadata: columns.next("metadata")?,
        created_at: columns.next("created_at")?,
        expires_at: columns.next("expires_at")?,
    })
}
