//! Authorization server metadata (RFC 8414) and the key set (RFC 7517): everything comes from settings, so the
//! answer is the same whatever the request says of hosts.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use oauth::{GrantType, TokenEndpointAuthMethod, jwk::JwkSet, metadata::AuthorizationServerMetadata, pkce};

use crate::{AuthorizationServer, Resource, Settings};

/// Path of the authorization endpoint.
pub(crate) const AUTHORIZE: &str = "/authorize";
/// Path of the token endpoint.
pub(crate) const TOKEN: &str = "/token";
/// Path of the registration endpoint.
pub(crate) const REGISTER: &str = "/register";
/// Path of the revocation endpoint.
pub(crate) const REVOKE: &str = "/revoke";
/// Path of the introspection endpoint.
pub(crate) const INTROSPECT: &str = "/introspect";
/// Path of the key set.
pub(crate) const JWKS: &str = "/.well-known/jwks.json";

/// Asks for a refresh token (OpenID Connect Core §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// GET of the well-known metadata documents.
pub(crate) async fn get(State(server): State<AuthorizationServer>) -> Response {
    cacheable(Json(metadata(server.settings(), &server.resources())))
}

/// GET of the key set.
pub(crate) async fn get_keys(State(server): State<AuthorizationServer>) -> Response {
    let keys: JwkSet = server.jwk_set();
    cacheable(Json(keys))
}

fn cacheable(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

fn metadata(settings: &Settings, resources: &[Resource]) -> AuthorizationServerMetadata {
    let url = |path| Some(settings.issuer.url(path));
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let methods: Vec<_> = TokenEndpointAuthMethod::ALL.iter().map(|method| method.as_str()).collect();
    let confidential: Vec<_> = methods.iter().copied().filter(|method| *method != "none").collect();
    let mut scopes: Vec<_> =
        resources.iter().flat_map(|resource| &resource.scopes).map(|scope| scope.token.clone()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes.push(OFFLINE_ACCESS.to_owned());
    AuthorizationServerMetadata {
        issuer: settings.issuer.as_str().to_owned(),
        authorization_endpoint: url(AUTHORIZE),
        token_endpoint: url(TOKEN),
        registration_endpoint: url(REGISTER).filter(|_| settings.registration.enabled),
        revocation_endpoint: url(REVOKE),
        introspection_endpoint: url(INTROSPECT),
        jwks_uri: url(JWKS),
        scopes_supported: scopes,
        response_types_supported: texts(&["code"]),
        response_modes_supported: texts(&["query"]),
        grant_types_supported: texts(&GrantType::ALL.map(GrantType::as_str)),
        token_endpoint_auth_methods_supported: texts(&methods),
        revocation_endpoint_auth_methods_supported: texts(&methods),
        introspection_endpoint_auth_methods_supported: texts(&confidential),
        code_challenge_methods_supported: texts(&[pkce::METHOD]),
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: false,
        protected_resources: resources.iter().map(|resource| resource.indicator.to_string()).collect(),
        service_documentation: None,
    }
}
