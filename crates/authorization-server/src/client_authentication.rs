//! Client authentication (RFC 6749 §2.3): who presented the request, proven.

use std::net::IpAddr;

use oauth::{
    ErrorCode, TokenEndpointAuthMethod,
    client_authentication::{self, ClientAuthenticationError, PresentedClient},
};
use secret::Digest;
use store::ClientRecord;

use crate::{AuthorizationServer, answer::EndpointError, attempts::subscriber, form::Form};

/// A client that proved who it is, as far as its kind can: a public client has nothing to prove with.
#[derive(Debug)]
pub(crate) struct AuthenticatedClient(ClientRecord);

impl AuthenticatedClient {
    pub(crate) fn record(&self) -> &ClientRecord {
        &self.0
    }

    pub(crate) fn is_confidential(&self) -> bool {
        self.0.token_endpoint_auth_method.is_confidential()
    }
}

const REFUSED: &str = "client authentication failed: check client_id, client_secret and how they are sent";

/// Authenticates the client of a form request. Failures count per client and address, so that secrets cannot
/// be guessed (TK-23).
pub(crate) async fn authenticate(
    server: &AuthorizationServer,
    form: &Form,
    peer: Option<IpAddr>,
) -> Result<AuthenticatedClient, EndpointError> {
    let used_basic = form.authorization.is_some();
    let presented = match client_authentication::read(form.authorization.as_deref(), &form.parameters) {
        Ok(presented) => presented,
        Err(ClientAuthenticationError::Repeated) => {
            return Err(EndpointError::new(
                ErrorCode::InvalidRequest,
                "a parameter is included more than once",
            ));
        }
        Err(ClientAuthenticationError::Several) => {
            return Err(EndpointError::new(
                ErrorCode::InvalidRequest,
                "use one method of client authentication",
            ));
        }
        Err(_) => return Err(EndpointError::Client { used_basic, description: REFUSED }),
    };
    let subscriber = subscriber(peer);
    let key = [presented.unverified_client_id.as_str(), &subscriber];
    let failures = &server.attempts().failed_client_authentications;
    failures.check(&key, server.now())?;
    let client = server.store().client(&presented.unverified_client_id).await;
    let client = match client {
        Ok(client) => client,
        // An identifier with a NUL cannot be stored, so nobody has it.
        Err(store::StoreError::NulCharacter { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    match client.filter(|client| proves(&presented, client) && !is_expired(client, server)) {
        Some(client) => Ok(AuthenticatedClient(client)),
        None => {
            failures.count(&key, server.now())?;
            Err(EndpointError::Client { used_basic, description: REFUSED })
        }
    }
}

/// The presented method is the registered one, and a secret matches.
fn proves(presented: &PresentedClient, client: &ClientRecord) -> bool {
    let digest = presented.secret.as_ref().map(|secret| Digest::of(secret.expose().as_bytes()));
    presented.method == client.token_endpoint_auth_method
        && match client.token_endpoint_auth_method {
            TokenEndpointAuthMethod::None => digest.is_none(),
            _ => digest.is_some() && digest == client.secret_digest,
        }
}

fn is_expired(client: &ClientRecord, server: &AuthorizationServer) -> bool {
    client.expires_at.is_some_and(|expires_at| expires_at <= server.now())
}
