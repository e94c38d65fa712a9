//! Access keys: what clients sign requests with that know AWS Signature Version 4 and no OAuth.

use std::time::Duration;

use oauth::{GrantId, ResourceIndicator, Scope, Timestamp, UserId};
use secret::{Keyring, Random, Token, TokenKind};
use store::{
    AccessKeyRecord, Batch, CommitError, RevocationKey, RevocationRecord, Store, access_key, revocation,
};

use crate::signed::SignedRequests;

/// The secret of an access key: 256 random bits, shown once.
pub struct AccessKeySecret;

impl TokenKind for AccessKeySecret {
    const PREFIX: &'static str = "vst_ak_";
}

/// What a key is made for.
#[derive(Debug)]
pub struct NewAccessKey {
    /// Who acts with it.
    pub user_id: UserId,
    /// What it is for, for people.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// Where it may be used; empty means everywhere.
    pub resources: Vec<ResourceIndicator>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// How the identifiers begin; they are no secret.
const ID_PREFIX: &str = "VSTK";
/// Longer than any permit that a key was exchanged for.
const REVOCATION: Duration = Duration::from_mins(15);

/// Makes a key, with its secret.
///
/// # Errors
/// [`CommitError`].
pub async fn create(
    store: &Store,
    keyring: &Keyring,
    random: &dyn Random,
    now: Timestamp,
    new: NewAccessKey,
) -> Result<(AccessKeyRecord, Token<AccessKeySecret>), CommitError> {
    let (id, secret) = (mint_id(random), Token::mint(random));
    let NewAccessKey { user_id, name, scope, resources, expires_at } = new;
    let secret_sealed = keyring.seal(random, SignedRequests::location(&id), secret.expose().as_bytes());
    let record =
        AccessKeyRecord { id, user_id, name, secret_sealed, scope, resources, created_at: now, expires_at };
    store.commit(access_key::insert(&record)).await?;
    Ok((record, secret))
}

/// Ends a key: no request is accepted from here on, and what it has open ends on every node within a second.
///
/// # Errors
/// [`CommitError::Refused`] when there is no such key.
pub async fn remove(store: &Store, id: &str, now: Timestamp) -> Result<(), CommitError> {
    let key = RevocationKey::Grant(GrantId::from_unverified(id));
    let revoked = RevocationRecord { key, revoked_at: now, expires_at: now + REVOCATION };
    store.commit(Batch::new().then(access_key::delete(id)).then(revocation::insert(&revoked))).await
}

/// As those of AWS look: 20 capital letters and digits, of which 16 are random (80 bits).
fn mint_id(random: &dyn Random) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let characters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    ID_PREFIX.chars().chain(characters).collect()
}
