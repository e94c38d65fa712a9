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
    let jwk_set = public_keys(&records, keyring)?;
    let verifying = jwk_set.keys.iter().filter_map(VerifyingKey::from_jwk).collect();
    let newest = records.iter().find(|record| record.retired_at.is_none());
    let record = newest.ok_or(CommitError::Refused("signing_key.insert_first"))?;
    Ok(SigningKeys { current: Arc::new(open(record, keyring)?), verifying, jwk_set })
}

/// The public keys of this installation, for whoever only verifies.
///
/// # Errors
/// [`StartError`] when the store fails or a key does not open.
pub async fn trusted_keys(store: &Store, keyring: &Keyring) -> Result<JwkSet, StartError> {
    public_keys(&store.signing_keys().await?, keyring)
}

/// The public keys whose private halves the keyring opens. A row of the database alone proves nothing: whoever can
/// write one could add a key of their own. So each public key is made from the private one again.
fn public_keys(records: &[SigningKeyRecord], keyring: &Keyring) -> Result<JwkSet, StartError> {
    let keys = records
        .iter()
        .map(|record| open(record, keyring).map(|key| key.jwk().clone()))
        .collect::<Result<_, _>>()?;
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

#[cfg(test)]
mod tests {
    use secret::MasterKey;

    use super::*;

    struct Counted(std::sync::atomic::AtomicU8);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn a_row_written_by_somebody_else_is_no_key() {
        let random = Counted(std::sync::atomic::AtomicU8::new(1));
        let keyring = |random| Keyring::new(&[MasterKey::mint(random)]).unwrap();
        let (ours, theirs) = (keyring(&random), keyring(&random));
        let now = Timestamp::from_seconds(0);
        let own = new_record(&ours, &random, now);
        let public = own.public_jwk.clone();
        assert_eq!(
            public_keys(std::slice::from_ref(&own), &ours).unwrap().keys,
            std::slice::from_ref(&public)
        );

        let foreign = new_record(&theirs, &random, now);
        assert!(public_keys(&[own.clone(), foreign.clone()], &ours).is_err());
        let disguised = [SigningKeyRecord { public_jwk: foreign.public_jwk, ..own.clone() }];
        assert_eq!(public_keys(&disguised, &ours).unwrap().keys, [public]);
    }
}
