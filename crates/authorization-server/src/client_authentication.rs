//! Client authentication (RFC 6749 §2.3): who presented the request, proven.

use std::{net::IpAddr, sync::Arc};

use audit::{Event, Kind, Outcome};
use oauth::{
    ErrorCode,
    client_authentication::{self, ClientAuthenticationError, PresentedClient},
};
use secret::Digest;
use store::ClientRecord;

use crate::{AuthorizationServer, answer::EndpointError, attempts::subscriber, form::Form};

/// A client that proved who it is, as far as its kind can: a public client has nothing to prove with.
#[derive(Debug)]
pub(crate) struct AuthenticatedClient(Arc<ClientRecord>);

/// How old the client's record may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// As it is now: what is decided lasts longer than the token at hand.
    Now,
    /// As it was a second ago: what is decided ends by itself within minutes.
    Recent,
}

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
/// be guessed (TK-23). They are recorded for clients that exist: an identifier that is nobody's could be anything, and
/// nothing would bound how many there are.
pub(crate) async fn authenticate(
    server: &AuthorizationServer,
    form: &Form,
    peer: Option<IpAddr>,
    freshness: Freshness,
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
    let client = match freshness {
        Freshness::Now => {
            server.store().client(&presented.unverified_client_id).await.map(|found| found.map(Arc::new))
        }
        Freshness::Recent => server.client(&presented.unverified_client_id).await,
    };
    let client = match client {
        Ok(client) => client,
        // An identifier with a NUL cannot be stored, so nobody has it.
        Err(store::StoreError::NulCharacter { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let is_known = client.is_some();
    match client.filter(|client| proves(&presented, client) && !is_expired(client, server)) {
        Some(client) => Ok(AuthenticatedClient(client)),
        None => {
            failures.count(&key, server.now())?;
            if is_known {
                let place = server.place_in_audit_log().await?;
                let event = Event::new(Kind::ClientAuthentication, Outcome::Refused);
                let event = event.client(&presented.unverified_client_id);
                place.record(event.detail("method", presented.method).detail("peer", &subscriber));
            }
            Err(EndpointError::Client { used_basic, description: REFUSED })
        }
    }
}

/// The method is the registered one, and a secret matches.
fn proves(presented: &PresentedClient, client: &ClientRecord) -> bool {
    let registered = client.token_endpoint_auth_method;
    let either =
        !client.chose_auth_method && presented.method.is_confidential() && registered.is_confidential();
    if presented.method != registered && !either {
        return false;
    }
    let digest = presented.secret.as_ref().map(|secret| Digest::of(secret.expose().as_bytes()));
    digest == client.secret_digest && digest.is_some() == registered.is_confidential()
}

fn is_expired(client: &ClientRecord, server: &AuthorizationServer) -> bool {
    client.expires_at.is_some_and(|expires_at| expires_at <= server.now())
}

#[cfg(test)]
pub(crate) mod tests {
    use oauth::{ApplicationType, ClientId, Scope, Timestamp, TokenEndpointAuthMethod};
    use secret::Secret;
    use store::ClientOrigin;

    use super::*;

    fn record(id: &str, method: TokenEndpointAuthMethod, secret: Option<&str>) -> ClientRecord {
        ClientRecord {
            id: ClientId::from_unverified(id),
            name: "App".into(),
            redirect_uris: Vec::new(),
            token_endpoint_auth_method: method,
            chose_auth_method: true,
            secret_digest: secret.map(|secret| Digest::of(secret.as_bytes())),
            grant_types: Vec::new(),
            scope: Scope::default(),
            application_type: ApplicationType::Web,
            origin: ClientOrigin::Dynamic,
            metadata: serde_json::Map::new(),
            created_at: Timestamp::from_seconds(0),
            expires_at: None,
        }
    }

    /// A public client that has been authenticated, for the tests of decisions.
    pub(crate) fn client(id: &str) -> AuthenticatedClient {
        AuthenticatedClient(Arc::new(record(id, TokenEndpointAuthMethod::None, None)))
    }

    #[test]
    fn tk_21_only_the_registered_method_with_the_right_secret() {
        use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost, None as Public};
        let rows = [
            (Public, None, Public, None, true),
            (Public, None, ClientSecretPost, Some("s"), false),
            (ClientSecretPost, Some("s"), ClientSecretPost, Some("s"), true),
            (ClientSecretPost, Some("s"), ClientSecretPost, Some("t"), false),
            (ClientSecretPost, Some("s"), Public, None, false),
            (ClientSecretPost, Some("s"), ClientSecretBasic, Some("s"), false),
            (ClientSecretBasic, Some("s"), ClientSecretPost, Some("s"), false),
            (ClientSecretBasic, None, ClientSecretBasic, Some("s"), false),
        ];
        for (registered, stored, method, secret, expect) in rows {
            let presented = PresentedClient {
                unverified_client_id: ClientId::from_unverified("c"),
                secret: secret.map(Secret::from),
                method,
            };
            assert_eq!(proves(&presented, &record("c", registered, stored)), expect, "{registered} {method}");
        }
    }

    #[test]
    fn who_chose_no_method_may_send_the_secret_either_way() {
        let unchosen = ClientRecord {
            chose_auth_method: false,
            ..record("c", TokenEndpointAuthMethod::ClientSecretBasic, Some("s"))
        };
        for (method, secret, expect) in [
            (TokenEndpointAuthMethod::ClientSecretPost, Some("s"), true),
            (TokenEndpointAuthMethod::ClientSecretBasic, Some("s"), true),
            (TokenEndpointAuthMethod::ClientSecretPost, Some("t"), false),
            (TokenEndpointAuthMethod::None, None, false),
        ] {
            let unverified_client_id = ClientId::from_unverified("c");
            let presented =
                PresentedClient { unverified_client_id, secret: secret.map(Secret::from), method };
            assert_eq!(proves(&presented, &unchosen), expect, "{method}");
        }
    }
}
