//! The keys that sign access tokens: ES256, sealed in the database, made at first start.

use std::sync::Arc;

use oauth::{
    Timestamp,
    jwk::JwkSet,
    jws::{SigningKey, VerifyingKey},
};
use secret::{Keyring, Location, Random};
use store::{CommitError, SigningKeyRecord, Store, signing_key};

use crate::StartError;

/// The key that signs and all that still verify.
pub(crate) struct SigningKeys {
    current: Arc<SigningKey>,
    verifying: Vec<VerifyingKey>,
    jwk_set: JwkSet,
}

impl SigningKeys {
    pub(crate) fn current(&self) -> &SigningKey {
        &self.current
    }

    pub(crate) fn verifying(&self) -> &[VerifyingKey] {
        &self.verifying
    }

    pub(crate) fn jwk_set(&self) -> JwkSet {
        self.jwk_set.clone()
    }
}

/// Loads the keys; makes the first one when there is none. Of two nodes that start together one makes it and
/// the other reads it.
pub(crate) async fn load_or_create(
    store: &Store,
    keyring: &Keyring,
    random: &dyn Random,
    now: Timestamp,
) -> Result<SigningKeys, StartError> {
    let mut records = store.signing_keys().await?;
    if !records.iter().any(|record| record.retired_at.is_none()) {
        match store.commit(signing_key::insert_first(&new_record(keyring, random, now))).await {
            Ok(()) | Err(CommitError::Refused(_)) => records = store.signing_keys().await?,
            Err(error) => return Err(error.into()),
        }
    }
    let jwk_set = JwkSet { keys: records.iter().map(|record| record.public_jwk.clone()).collect() };
    let verifying = jwk_set.keys.iter().filter_map(VerifyingKey::from_jwk).collect();
    let newest = records.iter().find(|record| record.retired_at.is_none());
    let record = newest.ok_or(CommitError::Refused("signing_key.insert_first"))?;
    Ok(SigningKeys { current: Arc::new(open(record, keyring)?), verifying, jwk_set })
}

/// The public keys whose private halves the keyring opens.
///
/// A row of the database alone proves nothing: whoever can write one could add a key of their own. So each public key
/// is made from the private one again.
///
/// # Errors
/// [`StartError`] when the store fails or a key does not open.
pub async fn trusted_keys(store: &Store, keyring: &Keyring) -> Result<JwkSet, StartError> {
    let mut keys = Vec::new();
    for record in store.signing_keys().await? {
        keys.push(open(&record, keyring)?.jwk().clone());
    }
    Ok(JwkSet { keys })
}

fn new_record(keyring: &Keyring, random: &dyn Random, now: Timestamp) -> SigningKeyRecord {
    let (key, pkcs8) = SigningKey::generate();
    let jwk = key.jwk().clone();
    SigningKeyRecord {
        kid: jwk.kid.clone(),
        algorithm: jwk.alg.clone(),
        private_key_sealed: keyring.seal(random, location(&jwk.kid), pkcs8.expose()),
        public_jwk: jwk,
        created_at: now,
        retired_at: None,
    }
}

fn open(record: &SigningKeyRecord, keyring: &Keyring) -> Result<SigningKey, StartError> {
    let refused = |reason: String| StartError::SigningKey { kid: record.kid.clone(), reason };
    let pkcs8 = keyring
        .open(location(&record.kid), &record.private_key_sealed)
        .map_err(|error| refused(error.to_string()))?;
    SigningKey::from_pkcs8(&pkcs8).map_err(|error| refused(error.to_string()))
}

fn location(kid: &str) -> Location<'_> {
    Location { table: "signing_keys", row: kid.as_bytes(), column: "private_key_sealed" }
}
