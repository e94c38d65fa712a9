//! Dynamic client registration (RFC 7591), and registration by an operator.
//!
//! Anybody may register: what they say of themselves is kept as a claim and shown as one. A client that nobody
//! has granted anything within the quarantine is forgotten.

use std::net::SocketAddr;

use audit::{Event, Kind, Outcome};
use axum::{
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use oauth::{
    ApplicationType, ClientId, Error, ErrorCode, GrantType, RedirectUri, ResourceIndicator, Scope, Timestamp,
    TokenEndpointAuthMethod,
    registration::{ClientInformation, ClientMetadata},
};
use secret::{Random, Token};
use serde_json::{Map, Value};
use store::{ClientOrigin, ClientRecord, CommitError, Store, client};
use url::Url;

use crate::{
    AuthorizationServer, RegistrationPolicy,
    answer::{EndpointError, no_store},
    attempts::subscriber,
    body::WholeBody,
    kinds::ClientSecret,
};

/// The largest registration request, in bytes.
pub(crate) const MAXIMUM_BODY: usize = 16 * 1024;
const MAXIMUM_REDIRECT_URIS: usize = 16;
const MAXIMUM_TEXT: usize = 2048;
const MAXIMUM_NAME: usize = 256;

/// POST /register
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    WholeBody(body): WholeBody,
) -> Result<Response, EndpointError> {
    let peer = peer.map(|extension| extension.0.0.ip());
    let attempts = server.attempts();
    attempts.registrations_per_address.count(&[&subscriber(peer)], server.now())?;
    attempts.registrations.count(&[], server.now())?;
    let unverified = parse(&body)?;
    let policy = &server.settings().registration;
    let registration = decide(unverified, policy)?;
    let registered = server.store().count_dynamic_clients().await?;
    if u64::try_from(registered).unwrap_or(0) >= policy.maximum_clients {
        let description = "this server keeps no more self-registered clients; ask its operator";
        return Err(EndpointError::Full { description });
    }
    let place = server.place_in_audit_log().await?;
    let now = server.now();
    let expires_at = Some(now + policy.quarantine);
    let information =
        insert(server.store(), server.random(), now, registration, (ClientOrigin::Dynamic, expires_at)).await;
    match information {
        Ok(information) => {
            let id = ClientId::from_unverified(information.client_id.as_str());
            let event = Event::new(Kind::Registration, Outcome::Succeeded).client(&id);
            place.record(event.detail("peer", subscriber(peer)));
            Ok(no_store(StatusCode::CREATED, &information))
        }
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Refused(_)) => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// An array is refused before it is read: its elements would be taken for the members, in their order.
fn parse(body: &[u8]) -> Result<ClientMetadata, Error> {
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let metadata = serde_json::from_slice(body).ok().filter(|_| is_object);
    metadata.ok_or_else(|| {
        invalid_metadata(
            "send client metadata as one JSON object, each member once and of the type RFC 7591 gives it",
        )
    })
}

/// A client as an operator registers it by hand.
pub struct NewClient {
    /// What people are shown.
    pub name: String,
    /// Where responses may go; empty for a client that only uses `client_credentials`.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates; decides whether it is confidential.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// What it may send to the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// The most it may ask for; empty for whatever the resource knows.
    pub scope: Scope,
    /// The resources whose tokens it may introspect; empty for all of this server.
    pub introspects: Vec<ResourceIndicator>,
}

/// Registers a client for an operator: no quarantine, shown as verified. The answer is the only place where a
/// secret is ever seen.
///
/// # Errors
/// When the store fails.
pub async fn register_by_operator(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    new: NewClient,
) -> Result<ClientInformation, CommitError> {
    let mut claims = Map::new();
    if !new.introspects.is_empty() {
        let resources = new.introspects.iter().map(|resource| Value::from(resource.as_str())).collect();
        claims.insert(INTROSPECTS.to_owned(), resources);
    }
    let registration = Registration {
        name: new.name,
        redirect_uris: new.redirect_uris,
        method: new.token_endpoint_auth_method,
        chose_method: false,
        grant_types: new.grant_types,
        scope: new.scope,
        application_type: ApplicationType::Web,
        claims,
    };
    insert(store, random, now, registration, (ClientOrigin::Operator, None)).await
}

/// Member of a client's metadata that only an operator sets: the resources whose tokens it may introspect.
pub(crate) const INTROSPECTS: &str = "introspects";

/// What will be registered, every member checked.
#[derive(Debug)]
struct Registration {
    name: String,
    redirect_uris: Vec<RedirectUri>,
    method: TokenEndpointAuthMethod,
    chose_method: bool,
    grant_types: Vec<GrantType>,
    scope: Scope,
    application_type: ApplicationType,
    claims: Map<String, Value>,
}

/// RFC 7591 §2: "The authorization server MAY reject or replace any of the client's requested metadata values";
/// values that are not served are left out, and the response tells what is in force.
fn decide(unverified: ClientMetadata, policy: &RegistrationPolicy) -> Result<Registration, Error> {
    let chose_method = unverified.token_endpoint_auth_method.is_some();
    let method = method(unverified.token_endpoint_auth_method.as_deref())?;
    let grant_types = grant_types(unverified.grant_types.as_deref(), method, policy)?;
    if let Some(types) = &unverified.response_types
        && grant_types.contains(&GrantType::AuthorizationCode)
        && !types.iter().any(|response_type| response_type == "code")
    {
        return Err(invalid_metadata("response_types must contain code; there is no implicit grant"));
    }
    let redirect_uris = redirect_uris(unverified.redirect_uris.as_deref().unwrap_or_default())?;
    if redirect_uris.is_empty() && grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(Error::new(ErrorCode::InvalidRedirectUri, "redirect_uris must contain at least one URI"));
    }
    let scope = Scope::parse(unverified.scope.as_deref().unwrap_or_default())
        .map_err(|error| Error::new(ErrorCode::InvalidClientMetadata, error.to_string()))?;
    let name = unverified.client_name.clone().unwrap_or_default();
    if name.len() > MAXIMUM_NAME || name.contains('\0') {
        return Err(invalid_metadata("client_name must have at most 256 bytes and no NUL"));
    }
    let application_type = match unverified.application_type.as_deref() {
        None if redirect_uris.iter().any(RedirectUri::is_loopback) => ApplicationType::Native,
        None => ApplicationType::Web,
        Some(text) => ApplicationType::parse(text)
            .ok_or_else(|| invalid_metadata("application_type is web or native"))?,
    };
    Ok(Registration {
        name,
        redirect_uris,
        method,
        chose_method,
        grant_types,
        scope,
        application_type,
        claims: claims(unverified)?,
    })
}

/// A client that leaves the method out gets RFC 7591's default.
fn method(unverified: Option<&str>) -> Result<TokenEndpointAuthMethod, Error> {
    let text = unverified.unwrap_or(TokenEndpointAuthMethod::ClientSecretBasic.as_str());
    TokenEndpointAuthMethod::parse(text).ok_or_else(|| {
        invalid_metadata("token_endpoint_auth_method is none, client_secret_basic or client_secret_post")
    })
}

fn grant_types(
    unverified: Option<&[String]>,
    method: TokenEndpointAuthMethod,
    policy: &RegistrationPolicy,
) -> Result<Vec<GrantType>, Error> {
    let Some(requested) = unverified else { return Ok(vec![GrantType::AuthorizationCode]) };
    let mut known: Vec<_> = requested.iter().filter_map(|text| GrantType::parse(text)).collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&GrantType::ClientCredentials) && !method.is_confidential() {
        return Err(invalid_metadata("client_credentials needs a client with a secret"));
    }
    if !policy.client_credentials {
        known.retain(|grant_type| *grant_type != GrantType::ClientCredentials);
    }
    if known.iter().all(|grant_type| *grant_type == GrantType::RefreshToken) {
        return Err(invalid_metadata(
            "grant_types must contain authorization_code; other clients are registered by the operator",
        ));
    }
    Ok(known)
}

fn redirect_uris(unverified: &[String]) -> Result<Vec<RedirectUri>, Error> {
    if unverified.len() > MAXIMUM_REDIRECT_URIS {
        return Err(Error::new(ErrorCode::InvalidRedirectUri, "redirect_uris must contain at most 16 URIs"));
    }
    let mut uris = Vec::new();
    for text in unverified {
        let uri = RedirectUri::parse(text)
            .map_err(|error| Error::new(ErrorCode::InvalidRedirectUri, error.to_string()))?;
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

/// What the client says of itself and is kept for display: URLs are checked and never fetched (RG-10).
fn claims(unverified: ClientMetadata) -> Result<Map<String, Value>, Error> {
    let mut claims = Map::new();
    let urls = [
        ("client_uri", unverified.client_uri),
        ("logo_uri", unverified.logo_uri),
        ("tos_uri", unverified.tos_uri),
        ("policy_uri", unverified.policy_uri),
        ("jwks_uri", unverified.jwks_uri),
    ];
    for (name, value) in urls {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        if !is_public_https(&value) {
            return Err(Error::new(
                ErrorCode::InvalidClientMetadata,
                format!("{name} must be an https URL with a public host name"),
            ));
        }
        claims.insert(name.to_owned(), value.into());
    }
    for (name, value) in
        [("software_id", unverified.software_id), ("software_version", unverified.software_version)]
    {
        let Some(value) = value else { continue };
        if value.len() > MAXIMUM_TEXT || value.contains('\0') {
            return Err(invalid_metadata("software_id and software_version must have at most 2048 bytes"));
        }
        claims.insert(name.to_owned(), value.into());
    }
    Ok(claims)
}

fn is_public_https(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let has_domain = matches!(url.host(), Some(url::Host::Domain(name)) if name.contains('.'));
    let has_user = !url.username().is_empty() || url.password().is_some();
    text.len() <= MAXIMUM_TEXT && url.scheme() == "https" && has_domain && !has_user
}

fn invalid_metadata(description: &'static str) -> Error {
    Error::new(ErrorCode::InvalidClientMetadata, description)
}

async fn insert(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    registration: Registration,
    (origin, expires_at): (ClientOrigin, Option<Timestamp>),
) -> Result<ClientInformation, CommitError> {
    let secret = registration.method.is_confidential().then(|| Token::<ClientSecret>::mint(random));
    let record = ClientRecord {
        id: ClientId::mint(random),
        name: registration.name,
        redirect_uris: registration.redirect_uris,
        token_endpoint_auth_method: registration.method,
        chose_auth_method: registration.chose_method,
        secret_digest: secret.as_ref().map(Token::digest),
        grant_types: registration.grant_types,
        scope: registration.scope,
        application_type: registration.application_type,
        origin,
        metadata: registration.claims,
        created_at: now,
        expires_at,
    };
    store.commit(client::insert(&record)).await?;
    tracing::info!(client_id = %record.id, ?origin, "client registered");
    Ok(information(&record, secret.as_ref()))
}

/// RFC 7591 §3.2.1: the response carries all registered metadata about the client.
fn information(record: &ClientRecord, secret: Option<&Token<ClientSecret>>) -> ClientInformation {
    let claim = |name: &str| record.metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let uses_code = record.grant_types.contains(&GrantType::AuthorizationCode);
    ClientInformation {
        client_id: record.id.to_string(),
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        client_id_issued_at: Some(record.created_at.seconds()),
        client_secret_expires_at: secret.map(|_| 0),
        metadata: ClientMetadata {
            redirect_uris: Some(record.redirect_uris.iter().map(ToString::to_string).collect()),
            token_endpoint_auth_method: Some(record.token_endpoint_auth_method.to_string()),
            grant_types: Some(record.grant_types.iter().map(ToString::to_string).collect()),
            response_types: Some(if uses_code { vec!["code".to_owned()] } else { Vec::new() }),
            client_name: Some(record.name.clone()).filter(|name| !name.is_empty()),
            client_uri: claim("client_uri"),
            logo_uri: claim("logo_uri"),
            scope: Some(record.scope.to_string()).filter(|scope| !scope.is_empty()),
            tos_uri: claim("tos_uri"),
            policy_uri: claim("policy_uri"),
            jwks_uri: claim("jwks_uri"),
            application_type: Some(record.application_type.to_string()),
            software_id: claim("software_id"),
            software_version: claim("software_version"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value) -> Result<Registration, ErrorCode> {
        decide(serde_json::from_value(body).unwrap(), &RegistrationPolicy::default())
            .map_err(|error| error.error)
    }

    #[test]
    fn bodies_of_real_clients() {
        let cursor = check(json!({ "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"], "client_name": "Cursor", "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "none" })).unwrap();
        assert_eq!(cursor.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        let autogpt = check(json!({ "redirect_uris": ["https://app.test/cb"], "grant_types": ["authorization_code"], "token_endpoint_auth_method": "client_secret_post", "resource": "https://x", "unknown": { "a": 1 } })).unwrap();
        assert_eq!(
            (autogpt.method, autogpt.grant_types),
            (TokenEndpointAuthMethod::ClientSecretPost, vec![GrantType::AuthorizationCode])
        );
        let bare = check(json!({ "redirect_uris": ["http://localhost:3000/callback"] })).unwrap();
        assert_eq!(
            (bare.method, bare.application_type),
            (TokenEndpointAuthMethod::ClientSecretBasic, ApplicationType::Native)
        );
    }

    #[test]
    fn rg_01_to_06_redirect_uris_are_judged() {
        let refused = |uris: Value| check(json!({ "redirect_uris": uris })).unwrap_err();
        for uris in [
            json!(["javascript:alert(1)"]),
            json!(["https://ok.test/", "http://good.test/cb"]),
            json!([]),
            json!(vec!["https://ok.test/"; 17]),
        ] {
            assert_eq!(refused(uris), ErrorCode::InvalidRedirectUri);
        }
        assert_eq!(check(json!({})).unwrap_err(), ErrorCode::InvalidRedirectUri);
    }

    #[test]
    fn rg_10_urls_that_are_no_public_https() {
        for name in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"] {
            for url in [
                "javascript:alert(1)",
                "http://169.254.169.254",
                "https://169.254.169.254/x",
                "file:///etc/passwd",
                "https://localhost/x",
                "https://[::1]/",
                "https://u@good.test/",
                "https://:p@good.test/",
                "data:image/png,x",
                "nonsense",
            ] {
                let body = json!({ "redirect_uris": ["https://ok.test/"], name: url });
                assert_eq!(check(body).unwrap_err(), ErrorCode::InvalidClientMetadata, "{name} {url}");
            }
        }
    }

    #[test]
    fn rg_13_grants_nobody_may_register_are_left_out_or_refused() {
        let with = |grants: Value, method: &str| {
            check(
                json!({ "redirect_uris": ["https://ok.test/"], "grant_types": grants, "token_endpoint_auth_method": method }),
            )
        };
        assert_eq!(
            with(json!(["client_credentials"]), "none").unwrap_err(),
            ErrorCode::InvalidClientMetadata
        );
        assert_eq!(
            with(json!(["client_credentials"]), "client_secret_basic").unwrap_err(),
            ErrorCode::InvalidClientMetadata
        );
        assert_eq!(with(json!(["refresh_token"]), "none").unwrap_err(), ErrorCode::InvalidClientMetadata);
        let reduced = with(
            json!([
                "authorization_code",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange",
                "password"
            ]),
            "client_secret_basic",
        )
        .unwrap();
        assert_eq!(reduced.grant_types, [GrantType::AuthorizationCode]);
        let implicit = check(json!({ "redirect_uris": ["https://ok.test/"], "response_types": ["token"] }));
        assert_eq!(implicit.unwrap_err(), ErrorCode::InvalidClientMetadata);
    }

    #[test]
    fn a_demo_lets_confidential_clients_act_for_themselves() {
        let policy = RegistrationPolicy { client_credentials: true, ..RegistrationPolicy::default() };
        let body = json!({ "client_name": "Test Client", "redirect_uris": ["http://localhost:8080/callback"], "grant_types": ["client_credentials"], "scope": "read write" });
        let registration = decide(serde_json::from_value(body).unwrap(), &policy).unwrap();
        assert_eq!(registration.grant_types, [GrantType::ClientCredentials]);
    }

    #[test]
    fn metadata_is_one_object() {
        assert!(parse(br#" {"redirect_uris":["https://ok.test/"],"unknown":[]}"#).is_ok());
        for body in [
            r#"[["https://ok.test/"],"none"]"#,
            r#"{"redirect_uris":[],"redirect_uris":["https://ok.test/"]}"#,
            r#"{"client_name":1}"#,
            "null",
            "",
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().error, ErrorCode::InvalidClientMetadata, "{body}");
        }
    }

    #[test]
    fn hostile_members() {
        for (member, value) in [
            ("client_name", json!("x".repeat(257))),
            ("client_name", json!("a\u{0}")),
            ("application_type", json!("desktop")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("scope", json!("a\"b")),
            ("software_id", json!("x".repeat(2049))),
        ] {
            let body = json!({ "redirect_uris": ["https://ok.test/"], member: value });
            assert_eq!(check(body).unwrap_err(), ErrorCode::InvalidClientMetadata, "{member}");
        }
    }
}
