//! Steps 2 and 3: the person allows it on our page, and the browser is sent to the provider.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::{CodeVerifier, Scope, Timestamp};
use secret::{Digest, Random, Secret};
use store::{
    Batch, ConnectAttemptRecord, ConnectRequestRecord, ConnectState, connect_attempt, connect_request,
};

use crate::{
    connect::{
        AuthorizeStep, Person,
        access::Answerable,
        error::{ConnectError, ConnectErrorKind, refused_as},
        flow::{Flow, attempt_id},
    },
    provider::{AuthorizationRequest, AuthorizationServer, ProviderKind, Registered},
    vault::Vault,
};

/// How long a browser may take to come back.
pub(super) const ATTEMPT: Duration = Duration::from_mins(10);
/// A code that is being redeemed for longer than this is given up: its task died.
pub(super) const STALE: Duration = Duration::from_mins(1);

/// The proof that this person has allowed this request on our page, with this browser (UP-13). Only
/// [`Vault::allow`] makes one, and [`Vault::authorize`] takes it by value.
#[derive(Debug)]
pub struct Allowed {
    id: String,
    person: Person,
    browser: Digest,
}

impl Vault {
    /// The person allowed it on our page: who asks, for what and where it goes stood there. `browser` is the digest of
    /// the cookie that binds this browser.
    pub async fn allow(&self, id: &str, person: &Person, browser: &Digest) -> Result<Allowed, ConnectError> {
        let Answerable { record, known } = self.answerable(id, person).await?;
        still_open(&record, self.now()).map_err(|why| why.of(id))?;
        if !known.provider.is_connectable() {
            return Err(ConnectErrorKind::NotConnectable.of(id));
        }
        let allowed = self.settings().store.commit(connect_request::allow(id, &person.id, self.now())).await;
        allowed.map_err(|error| refused_as(error, ConnectErrorKind::Working, id))?;
        Ok(Allowed { id: id.to_owned(), person: person.clone(), browser: *browser })
    }

    /// Where the person goes on. Everything that the answer will be checked by is stored when this returns.
    pub async fn authorize(&self, allowed: Allowed) -> Result<AuthorizeStep, ConnectError> {
        let answerable = self.answerable(&allowed.id, &allowed.person).await?;
        match &answerable.known.provider.kind {
            ProviderKind::AuthorizationCode(server) => self.send_away(&answerable, server, &allowed).await,
            ProviderKind::ApiKey(entry) => {
                Ok(AuthorizeStep::EnterSecret { with_name: false, made_at: entry.made_at.clone() })
            }
            ProviderKind::Basic(entry) => {
                Ok(AuthorizeStep::EnterSecret { with_name: true, made_at: entry.made_at.clone() })
            }
            ProviderKind::ClientCredentials(_) | ProviderKind::TokenExchange(_) | ProviderKind::None => {
                Err(ConnectErrorKind::NotConnectable.of(&allowed.id))
            }
        }
    }

    async fn send_away(
        &self,
        answerable: &Answerable,
        server: &AuthorizationServer,
        allowed: &Allowed,
    ) -> Result<AuthorizeStep, ConnectError> {
        let id = allowed.id.as_str();
        let registered = self.registered(&answerable.known).await;
        let registered = registered.map_err(|error| ConnectErrorKind::from(error).of(id))?;
        let scope = self.scope_to_ask(answerable).await?;
        let random = self.settings().random.as_ref();
        let verifier = CodeVerifier::mint(random);
        let state = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes::<32>(random)));
        let nonce = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes::<16>(random)));
        let redirect_uri = self.redirect_uri(&answerable.known.provider.name);
        let request = AuthorizationRequest {
            registered: &registered,
            quirks: &server.quirks,
            redirect_uri: &redirect_uri,
            state: &state,
            verifier: &verifier,
            nonce: &nonce,
            scope: &scope,
        };
        let url = request.url().map_err(|error| ConnectErrorKind::UnsafeUrl(error).of(id))?;
        let has_pkce = server.quirks.pkce;
        let verifier = if has_pkce { Secret::from(verifier.expose()) } else { Secret::from("") };
        let flow = flow(answerable, &registered, redirect_uri, scope, (verifier, nonce));
        self.remember(&flow, &state, allowed).await?;
        Ok(AuthorizeStep::Redirect(url))
    }

    /// What was asked for, what the provider is always asked for, and what is there already (step-up is a union).
    async fn scope_to_ask(&self, answerable: &Answerable) -> Result<Scope, ConnectError> {
        let Answerable { record, known } = answerable;
        let before = self.settings().store.chosen_credential(&record.owner, &record.provider).await?;
        let scope = record.scope.union(&known.provider.scope);
        Ok(before.map_or_else(|| scope.clone(), |before| scope.union(&before.connection.scope)))
    }

    async fn remember(
        &self,
        flow: &Flow,
        state: &Secret<String>,
        allowed: &Allowed,
    ) -> Result<(), ConnectError> {
        let attempt = attempt_id(state.expose());
        let now = self.now();
        let record = ConnectAttemptRecord {
            flow_sealed: flow.seal(&attempt, self.settings()),
            id: attempt,
            request_id: allowed.id.clone(),
            user_id: allowed.person.id.clone(),
            browser_digest: allowed.browser,
            created_at: now,
            expires_at: now + ATTEMPT,
            used_at: None,
        };
        let batch = Batch::new()
            .then(connect_request::authorize(&record, now - STALE))
            .then(connect_attempt::insert(&record));
        match self.settings().store.commit(batch).await {
            Ok(()) => Ok(()),
            Err(error) => Err(refused_as(error, self.why_not_away(&allowed.id).await?, &allowed.id)),
        }
    }

    /// Why a browser is not sent away: something is on its way already, or the person did not allow it.
    async fn why_not_away(&self, id: &str) -> Result<ConnectErrorKind, ConnectError> {
        let record = self.settings().store.connect_request(id).await?;
        let is_on_its_way = record.is_some_and(|record| record.state == ConnectState::Exchanging);
        Ok(if is_on_its_way { ConnectErrorKind::Working } else { ConnectErrorKind::NotAllowed })
    }
}

fn flow(
    answerable: &Answerable,
    registered: &Registered,
    redirect_uri: String,
    scope: Scope,
    (verifier, nonce): (Secret<String>, Secret<String>),
) -> Flow {
    Flow {
        provider: answerable.record.provider.clone(),
        issuer: registered.endpoints.issuer.clone(),
        promises_iss: registered.endpoints.promises_iss,
        token_endpoint: registered.endpoints.token.clone(),
        client_id: registered.client.client_id.clone(),
        redirect_uri,
        scope,
        verifier,
        nonce,
    }
}

/// Whether a request may be begun, or begun again.
pub(super) fn still_open(record: &ConnectRequestRecord, now: Timestamp) -> Result<(), ConnectErrorKind> {
    match record.state {
        _ if record.completed_at.is_some() => Err(ConnectErrorKind::Completed),
        ConnectState::Received | ConnectState::AccountChanged => Err(ConnectErrorKind::Working),
        _ if record.expires_at <= now => Err(ConnectErrorKind::Expired),
        _ => Ok(()),
    }
}

fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
