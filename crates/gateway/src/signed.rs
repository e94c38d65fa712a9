//! Requests that are signed with an access key (AWS Signature Version 4) instead of carrying a token.
//!
//! 1. What can be seen without the body is checked first: nobody makes us read a body with an invented key.
//! 2. The key is looked for. It is asked for with every request, so that a removed key and the key of a disabled user
//!    stop at once, on every node.
//! 3. The body is read within the limits of every other, and the signature is verified with it.
//! 4. The signature is taken by one conditional statement: the same request a second time, at whatever node, is refused.
//! 5. What the key stands for is exchanged for a permit, which is good for this resource alone.

use std::sync::Arc;

use axum::body::Body;
use guard::{Challenge, Guard, KeyHolder, Permit};
use http::request::Parts;
use secret::{Keyring, Location, Secret};
use signature::{CredentialScope, UnverifiedSignature, VerifiedSignature};
use store::{AccessKeyRecord, CommitError, Store, StoreError, UserRecord, access_key};

use crate::body::{self, BodyError};
use crate::endpoint::Refusal;
use crate::settings::Front;

/// Where access keys are kept, and for what requests are signed with them.
#[derive(Clone)]
pub struct SignedRequests {
    store: Store,
    keyring: Arc<Keyring>,
    scope: CredentialScope,
}

/// Why a signed request is refused.
#[derive(Debug)]
enum SignedError {
    Challenge(Challenge),
    Body(BodyError),
    /// The keys cannot be asked for, or the signature cannot be taken.
    Unavailable,
}

impl SignedRequests {
    /// Accepts requests that are signed for `region` and `service` with keys of `store`, whose secrets `keyring` opens.
    pub fn new(store: &Store, keyring: &Arc<Keyring>, region: &str, service: &str) -> Self {
        let scope = CredentialScope { region: region.to_owned(), service: service.to_owned() };
        Self { store: store.clone(), keyring: keyring.clone(), scope }
    }

    /// Where the secret of a key is sealed for.
    pub fn location(access_key_id: &str) -> Location<'_> {
        Location { table: "access_keys", row: access_key_id.as_bytes(), column: "secret_sealed" }
    }
}

/// A permit for the holder of the token, or for the holder of the key that the request is signed with; and the body.
pub(crate) async fn admit(
    front: &Front,
    guard: &Guard,
    parts: &Parts,
    body: Body,
) -> Result<(Permit, Body), Refusal> {
    match &front.signed_requests {
        Some(signed_requests) if signature::is_signed(&parts.headers) => {
            Box::pin(signed_requests.admit(front, guard, parts, body)).await.map_err(Refusal::from)
        }
        _ => Ok((guard.admit(&parts.headers, &parts.uri).await.map_err(Refusal::Challenge)?, body)),
    }
}

impl SignedRequests {
    async fn admit(
        &self,
        front: &Front,
        guard: &Guard,
        parts: &Parts,
        body: Body,
    ) -> Result<(Permit, Body), SignedError> {
        let path = guard.resource().path();
        let unverified = UnverifiedSignature::read(parts, path, &self.scope, front.clock.now())
            .map_err(|error| SignedError::Challenge(guard.malformed_signature(&error)))?;
        let access_key_id = unverified.access_key_id();
        let refused = |reason: &str| {
            tracing::info!(access_key_id, reason, "signed request refused");
            SignedError::Challenge(guard.refuse_signature(reason))
        };
        let found = self.store.access_key(access_key_id, front.clock.now()).await?;
        let (key, user) = found.ok_or_else(|| refused("there is no such access key, or it has ended"))?;
        let secret = self.open(&key).ok_or(SignedError::Unavailable)?;
        let body = body::read(&parts.headers, body, front.body).await?;
        let proof = unverified.verify(&body, &secret).map_err(|error| refused(&error.to_string()))?;
        // Before it is taken: what is refused for another reason may come again.
        let permit = guard.exchange(&proof, holder(key, user))?;
        match self.take(&proof, front).await {
            Ok(()) => Ok((permit, body.into())),
            Err(CommitError::Refused(_)) => {
                Err(refused("this very request came before; sign every request anew"))
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    fn open(&self, key: &AccessKeyRecord) -> Option<Secret<String>> {
        let opened = self.keyring.open(Self::location(&key.id), &key.secret_sealed);
        let opened = opened.inspect_err(|error| {
            tracing::error!(access_key_id = key.id, %error, "the secret of an access key cannot be opened");
        });
        String::from_utf8(opened.ok()?.expose().clone()).ok().map(Secret::new)
    }

    async fn take(&self, proof: &VerifiedSignature, front: &Front) -> Result<(), CommitError> {
        let (id, digest) = (proof.access_key_id(), proof.digest());
        self.store.commit(access_key::use_signature(id, digest, proof.expires_at(), front.clock.now())).await
    }
}

fn holder(key: AccessKeyRecord, user: UserRecord) -> KeyHolder {
    KeyHolder {
        user_id: user.id,
        user_name: user.name,
        roles: user.roles,
        scope: key.scope,
        resources: key.resources,
    }
}

impl From<StoreError> for SignedError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "access keys cannot be asked for");
        Self::Unavailable
    }
}

impl From<BodyError> for SignedError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<Challenge> for SignedError {
    fn from(challenge: Challenge) -> Self {
        Self::Challenge(challenge)
    }
}

impl From<SignedError> for Refusal {
    fn from(error: SignedError) -> Self {
        match error {
            SignedError::Challenge(challenge) => Self::Challenge(challenge),
            SignedError::Body(error) => error.into(),
            SignedError::Unavailable => {
                Self::unavailable("access keys cannot be looked at now; try again".to_owned())
            }
        }
    }
}
