//! The authorization code flow of a native app (OAuth 2.1 §4.1, RFC 8252, RFC 7636, RFC 8707, RFC 9207).
//!
//! 1. Refuse a server that does not say it does PKCE with S256.
//! 2. Bind a loopback port for this flow alone; record issuer, state and verifier *before* the browser is sent away.
//! 3. Send the browser to the authorization endpoint, if that is a URL one may open.
//! 4. Judge the response: `state` says whether it is ours, then `iss` whether it is our server's, before anything
//!    else in it is looked at, its error texts included.

mod url;

use std::{sync::Arc, time::Duration};

use ::url::Url;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::{
    CodeChallenge, CodeVerifier, ResourceIndicator, Scope, metadata::AuthorizationServerMetadata,
    parameters::Parameters, pkce,
};
use secret::{Digest, Random, Secret};

pub use self::url::{AuthorizationUrl, UnsafeUrl};
use crate::{
    callback::{Receiver, Verdict},
    discovery::Discovery,
    error::Error,
    refusal::Refusal,
};

/// How long a person may take to sign in and consent.
const WAITING: Duration = Duration::from_mins(5);

/// The scope that asks for a refresh token (OpenID Connect Core §11).
const OFFLINE_ACCESS: &str = "offline_access";

/// A login in progress: the page to open, and the ear for its answer.
pub struct AuthorizationFlow {
    url: AuthorizationUrl,
    receiver: Receiver,
    pending: Pending,
}

/// What a flow remembers while the browser is away.
pub(crate) struct Pending {
    /// The validated issuer, byte for byte.
    issuer: String,
    /// Whether its metadata promises `iss` in every response.
    promises_issuer: bool,
    state: Secret<String>,
    pub(crate) verifier: CodeVerifier,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Scope,
}

/// A flow that came to its end well: what the token endpoint wants to see.
pub(crate) struct Authorized {
    pub(crate) code: Secret<String>,
    pub(crate) pending: Arc<Pending>,
}

/// Why no authorization code was obtained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// MCP: "If `code_challenge_methods_supported` is absent, […] MCP clients MUST refuse to proceed."
    #[error("{issuer} does not say that it supports PKCE with S256, so a stolen code could be used")]
    NoPkce {
        /// The issuer.
        issuer: String,
    },
    /// The metadata has no authorization endpoint.
    #[error("{issuer} has no authorization endpoint")]
    NoEndpoint {
        /// The issuer.
        issuer: String,
    },
    /// The authorization endpoint is no URL to open.
    #[error("the login page of {issuer} is not opened: {reason}")]
    UnsafeUrl {
        /// The issuer.
        issuer: String,
        /// What is wrong with it.
        reason: UnsafeUrl,
    },
    /// The loopback port could not be opened.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(String),
    /// Nobody came back in time.
    #[error("nobody signed in within {} seconds", WAITING.as_secs())]
    TimedOut,
    /// RFC 9207 §2.4: the response is not from the server the browser was sent to, or does not say so.
    #[error("the answer does not come from {issuer}: it may be an attack on the login, nothing was sent")]
    IssuerMismatch {
        /// The issuer of this flow.
        issuer: String,
    },
    /// The response has neither code nor error, or both.
    #[error("the answer of the login page is malformed")]
    Malformed,
    /// The server or the person said no.
    #[error("the login was refused: {0}")]
    Refused(Refusal),
}

/// A loopback port that is waiting for its flow: its redirect URI is needed for the registration.
pub(crate) struct Prepared(Receiver);

/// Step 1 and the first half of step 2.
pub(crate) async fn prepare(metadata: &AuthorizationServerMetadata) -> Result<Prepared, AuthorizationError> {
    let issuer = || metadata.issuer.clone();
    if !metadata.code_challenge_methods_supported.iter().any(|method| method == pkce::METHOD) {
        return Err(AuthorizationError::NoPkce { issuer: issuer() });
    }
    let endpoint = metadata.authorization_endpoint.as_deref();
    let endpoint = endpoint.ok_or_else(|| AuthorizationError::NoEndpoint { issuer: issuer() })?;
    AuthorizationUrl::parse(endpoint)
        .map_err(|reason| AuthorizationError::UnsafeUrl { issuer: issuer(), reason })?;
    let receiver = Receiver::bind().await.map_err(|error| AuthorizationError::Listen(error.to_string()))?;
    Ok(Prepared(receiver))
}

impl Prepared {
    pub(crate) fn redirect_uri(&self) -> String {
        self.0.redirect_uri()
    }

    /// The rest of step 2: everything is recorded before the URL leaves this function.
    pub(crate) fn begin(
        self,
        discovery: &Discovery,
        client_id: &str,
        scope: Scope,
        random: &dyn Random,
    ) -> Result<AuthorizationFlow, AuthorizationError> {
        let mut state = [0; 32];
        random.fill(&mut state);
        let pending = Pending {
            issuer: discovery.issuer.clone(),
            promises_issuer: discovery.metadata.authorization_response_iss_parameter_supported,
            state: Secret::new(BASE64_URL_SAFE_NO_PAD.encode(state)),
            verifier: CodeVerifier::mint(random),
            redirect_uri: self.0.redirect_uri(),
            scope,
        };
        let url = authorization_url(&discovery.metadata, &pending, client_id, &discovery.resource)?;
        Ok(AuthorizationFlow { url, receiver: self.0, pending })
    }
}

/// The authorization request (OAuth 2.1 §4.1.1) as the URL to open.
fn authorization_url(
    metadata: &AuthorizationServerMetadata,
    pending: &Pending,
    client_id: &str,
    resource: &ResourceIndicator,
) -> Result<AuthorizationUrl, AuthorizationError> {
    let endpoint = metadata.authorization_endpoint.as_deref().unwrap_or_default();
    let unsafe_url = |reason| AuthorizationError::UnsafeUrl { issuer: pending.issuer.clone(), reason };
    let mut url = Url::parse(endpoint).map_err(|_| unsafe_url(UnsafeUrl::NotAUrl))?;
    let challenge = CodeChallenge::of(&pending.verifier).to_text();
    let scope = pending.scope.to_string();
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", &pending.redirect_uri),
        ("state", pending.state.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", pkce::METHOD),
        ("resource", resource.as_str()),
    ];
    if !scope.is_empty() {
        parameters.push(("scope", &scope));
    }
    if pending.scope.contains(OFFLINE_ACCESS) {
        // OpenID Connect Core §11: without the person's consent, the server "MUST ignore the offline_access request".
        parameters.push(("prompt", "consent"));
    }
    url.query_pairs_mut().extend_pairs(parameters);
    AuthorizationUrl::parse(url.as_str()).map_err(unsafe_url)
}

impl AuthorizationFlow {
    /// The page to open in the person's browser.
    pub fn url(&self) -> &AuthorizationUrl {
        &self.url
    }

    /// Step 4: waits for the browser to come back, for at most five minutes.
    pub(crate) async fn finish(self) -> Result<Authorized, Error> {
        let pending = Arc::new(self.pending);
        let judge = {
            let pending = pending.clone();
            move |query: &str| judge_response(&pending, query)
        };
        let code = self.receiver.receive(judge, WAITING).await.ok_or(AuthorizationError::TimedOut)??;
        Ok(Authorized { code, pending })
    }
}

/// Judges an authorization response (OAuth 2.1 §4.1.2, RFC 9207 §2.4), pure.
fn judge_response(pending: &Pending, query: &str) -> Verdict<Result<Secret<String>, AuthorizationError>> {
    let Some(response) = Response::read(query) else { return Verdict::NotOurs };
    let digest = |text: &str| Digest::of(text.as_bytes());
    if response.state.as_deref().map(digest) != Some(digest(pending.state.expose())) {
        return Verdict::NotOurs;
    }
    let from_our_server = match response.iss.as_deref() {
        Some(iss) => iss == pending.issuer,
        None => !pending.promises_issuer,
    };
    if !from_our_server {
        // RFC 9207 §2.4: the error texts of such a response are not shown either.
        let error = AuthorizationError::IssuerMismatch { issuer: pending.issuer.clone() };
        return declined(error, "issuer_mismatch", "");
    }
    match (response.code, response.error) {
        (Some(code), None) => Verdict::Accepted(Ok(Secret::new(code))),
        (None, Some(error)) => {
            let refusal = Refusal::new(&error, response.error_description.as_deref());
            let (error, description) =
                (refusal.error.clone(), refusal.description.clone().unwrap_or_default());
            declined(AuthorizationError::Refused(refusal), &error, &description)
        }
        _ => declined(AuthorizationError::Malformed, "malformed_response", ""),
    }
}

fn declined<T>(
    outcome: AuthorizationError,
    error: &str,
    description: &str,
) -> Verdict<Result<T, AuthorizationError>> {
    Verdict::Declined { outcome: Err(outcome), error: error.to_owned(), description: description.to_owned() }
}

/// The parameters of an authorization response.
struct Response {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Response {
    /// `None` when the query is malformed or has a parameter twice (OAuth 2.1 §3.1).
    fn read(query: &str) -> Option<Self> {
        let parameters = Parameters::parse(query.as_bytes()).ok()?;
        let one = |name| parameters.one(name).map(|value| value.map(str::to_owned)).ok();
        Some(Self {
            state: one("state")?,
            iss: one("iss")?,
            code: one("code")?,
            error: one("error")?,
            error_description: one("error_description")?,
        })
    }
}

/// Which scope to ask for (MCP Scope Selection Strategy): what the person asked for, else the challenge, else all of
/// the resource's metadata, else none. `offline_access` is added where the authorization server offers it.
pub(crate) fn select_scope(
    asked: Option<&Scope>,
    challenged: Option<&Scope>,
    discovery: &Discovery,
) -> Scope {
    let selected = asked.or(challenged).or(discovery.scopes_supported.as_ref()).cloned().unwrap_or_default();
    let offered = discovery.metadata.scopes_supported.iter().any(|scope| scope == OFFLINE_ACCESS);
    match Scope::parse(OFFLINE_ACCESS) {
        Ok(offline) if offered && !selected.is_empty() => selected.union(&offline),
        _ => selected,
    }
}

#[cfg(test)]
mod tests;
