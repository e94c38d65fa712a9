//! The keys that sign access tokens. A retired key signs no more but stays published, so that what it
//! signed can be verified.

use oauth::{Timestamp, jwk::Jwk};

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `signing_keys`.
#[derive(Debug, Clone, PartialEq)]
pub struct SigningKeyRecord {
    /// Primary key; the `kid` of tokens and of the JWK.
    pub kid: String,
    /// The JWS algorithm, for example `ES256`. One key per algorithm is not retired.
    pub algorithm: String,
    /// The private key, sealed by the keyring.
    pub private_key_sealed: Vec<u8>,
    /// The public key as it is published.
    pub public_jwk: Jwk,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
}

sql! {
    INSERT_FIRST: "signing_key.insert_first" =
        "INSERT INTO signing_keys (kid, algorithm, private_key_sealed, public_jwk, created_at, retired_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING";
    RETIRE: "signing_key.retire" = "UPDATE signing_keys SET retired_at = $1 WHERE kid = $2 AND retired_at IS NULL";
    ALL: "signing_key.all" =
        "SELECT kid, algorithm, private_key_sealed, public_jwk, created_at, retired_at \
         FROM signing_keys ORDER BY created_at DESC, kid";
}

/// Adds a key, only if no key of its algorithm is in use. Refused otherwise: then another node was first,
/// and its key is to be read and used.
pub fn insert_first(key: &SigningKeyRecord) -> Statement {
    statement!(INSERT_FIRST [
        key.kid, key.algorithm, key.private_key_sealed, key.public_jwk, key.created_at, key.retired_at,
    ] expecting Expect::Rows(1))
}

/// Ends a key's use for signing; refused when it had ended. Rotation is one batch: this, then
/// [`insert_first`] of the next key.
pub fn retire(kid: &str, now: Timestamp) -> Statement {
    statement!(RETIRE [now, kid] expecting Expect::Rows(1))
}

impl Store {
    /// All keys, newest first, retired ones included.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.all(&ALL, values![], from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<SigningKeyRecord, StoreError> {
    let mut columns = row.columns_of("signing_keys");
    Ok(SigningKeyRecord {
        kid: columns.next("kid")?,
        algorithm: columns.next("algorithm")?,
        private_key_sealed: columns.next("private_key_sealed")?,
        public_jwk: columns.next("public_jwk")?,
        created_at: columns.next("created_at")?,
        retired_at: columns.next("retired_at")?,
    })
}
