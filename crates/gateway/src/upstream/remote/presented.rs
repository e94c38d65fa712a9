//! The credential that goes with a request to a server, on behalf of whoever makes the request.
//!
//! 1. It is looked up again for every message but the first: a connection that was refreshed or has ended meanwhile is
//!    noticed by calls that take long.
//! 2. A server that does not take it (401) has done nothing. The vault gets it refreshed once, and the message is sent
//!    once more.
//! 3. Whose it is stays the same for as long as the value lives: another account is another session (UP-14).

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Request};
use oauth::{Scope, www_authenticate};
use secret::Digest;
use vault::{Credential, CredentialError, Need, NeedReason, Owner, ProviderName, ReconnectReason, Vault};

use super::UpstreamError;
use crate::redaction::{Redactor, holds_one};

/// Comes when a connection has ended.
pub(crate) type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Presented(Arc<Inner>);

struct Inner {
    vault: Vault,
    owner: Owner,
    provider: ProviderName,
    needed: Scope,
    /// The one that was found: those after it are of the same connection, and of the same account.
    first: Arc<Credential>,
    /// No message has taken it along yet.
    is_new: AtomicBool,
    /// See [`Presented::connection`]. Only sessions want to know.
    connection: OnceLock<Digest>,
    /// The one that was presented last.
    last: ArcSwap<Credential>,
}

impl Presented {
    /// The credential of `owner` at `provider`, with at least the scopes `needed`.
    pub(crate) async fn find(
        vault: &Vault,
        owner: Owner,
        provider: &ProviderName,
        needed: Scope,
    ) -> Result<Self, CredentialError> {
        let first = vault.credential(&owner, provider, &needed).await?;
        let (vault, provider) = (vault.clone(), provider.clone());
        let (is_new, last) = (AtomicBool::new(true), ArcSwap::new(first.clone()));
        let connection = OnceLock::new();
        Ok(Self(Arc::new(Inner { vault, owner, provider, needed, first, is_new, connection, last })))
    }

    /// Tells one connection from every other, and one account from another that has taken its place.
    pub(crate) fn connection(&self) -> &Digest {
        self.0.connection.get_or_init(|| connection_of(&self.0.first))
    }

    /// The account, as its system calls it.
    pub(crate) fn account(&self) -> Option<&str> {
        self.0.first.account()
    }

    /// The credential as it is now.
    pub(crate) async fn current(&self) -> Result<Arc<Credential>, UpstreamError> {
        let Inner { vault, owner, provider, needed, first, is_new, .. } = &*self.0;
        if is_new.swap(false, Ordering::Relaxed) {
            return Ok(first.clone());
        }
        self.same(vault.credential(owner, provider, needed).await?)
    }

    /// The credential that takes the place of one that the server has refused.
    pub(crate) async fn rejected(&self, refused: &Credential) -> Result<Arc<Credential>, UpstreamError> {
        self.same(self.0.vault.rejected(refused).await?)
    }

    fn same(&self, credential: Arc<Credential>) -> Result<Arc<Credential>, UpstreamError> {
        let Inner { first, last, .. } = &*self.0;
        if Arc::ptr_eq(&credential, &last.load()) {
            return Ok(credential);
        }
        if (credential.connection_id(), credential.account()) != (first.connection_id(), first.account()) {
            return Err(UpstreamError::SessionGone);
        }
        last.store(credential.clone());
        Ok(credential)
    }

    /// Comes when the connection is gone, or its user has to connect again.
    pub(crate) fn ended(&self) -> Ended {
        Box::pin(self.0.vault.ended(&self.0.first))
    }

    /// A message of the server without the credential that it was sent (`message` is JSON); `None` when it has none.
    pub(crate) fn redacted(&self, message: &str, issuer: &str) -> Option<String> {
        let credential = self.0.last.load();
        // To make a redactor takes longer than most messages are looked through.
        if !holds_one(message, &credential.secrets()) {
            return None;
        }
        let secrets: Vec<_> = credential.secrets().cloned().collect();
        Redactor::new(&secrets).redacted(message, issuer)
    }

    /// The server takes neither this credential nor the one after it.
    pub(crate) fn reconnect(&self) -> UpstreamError {
        self.need(self.0.needed.clone(), NeedReason::Reconnect(ReconnectReason::Rejected))
    }

    /// The server wants more of it: these scopes beside those that there are.
    pub(crate) fn step_up(&self, missing: Scope) -> UpstreamError {
        let present = self.0.needed.union(self.0.last.load().scope());
        self.need(present.union(&missing), NeedReason::Scope(missing))
    }

    fn need(&self, scope: Scope, reason: NeedReason) -> UpstreamError {
        let (owner, provider) = (self.0.owner.clone(), self.0.provider.clone());
        CredentialError::Connect(Box::new(Need { owner, provider, scope, reason })).into()
    }
}

/// A request with a credential in it.
pub(crate) fn with(request: Request<Bytes>, credential: &Credential) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    credential.apply(&mut parts);
    Request::from_parts(parts, body)
}

/// The scopes that a refusal says are missing (RFC 6750 §3.1), none if it does not name them; `None` when it is about
/// something else.
pub(crate) fn insufficient_scope(headers: &HeaderMap) -> Option<Scope> {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenge = challenges
        .flat_map(www_authenticate::parse)
        .find(|challenge| challenge.parameter("error") == Some("insufficient_scope"))?;
    Some(challenge.parameter("scope").and_then(|scope| Scope::parse(scope).ok()).unwrap_or_default())
}

fn connection_of(credential: &Credential) -> Digest {
    let (id, account) = (credential.connection_id().to_string(), credential.account().unwrap_or_default());
    Digest::of(format!("{}:{id}{account}", id.len()).as_bytes())
}
