//! Every endpoint at one look.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, Method, StatusCode, header};
use oauth::well_known;

use crate::{
    AuthorizationServer, authorize, consent, form, introspection, login, logout,
    metadata::{self, AUTHORIZE, INTROSPECT, JWKS, REGISTER, REVOKE, TOKEN},
    pages::{CONSENT_PATH, LOGIN_PATH, LOGOUT_PATH, SET_UP_PATH, assets_router},
    registration, revocation, set_up, token,
};

/// Where older clients look for the endpoints.
const ALIAS: &str = "/oauth";

impl AuthorizationServer {
    /// All endpoints of the authorization server.
    pub fn router(&self) -> Router {
        let path = self.issuer().path();
        let mut endpoints = Router::new()
            .route(AUTHORIZE, get(authorize::get).post(authorize::post))
            .route(TOKEN, post(token::post))
            .route(REVOKE, post(revocation::post))
            .route(INTROSPECT, post(introspection::post));
        if self.settings().registration.enabled {
            let limit = DefaultBodyLimit::max(registration::MAXIMUM_BODY);
            endpoints = endpoints.route(REGISTER, post(registration::post).layer(limit));
        }
        let pages = Router::new()
            .route(LOGIN_PATH, get(login::get).post(login::post))
            .route(CONSENT_PATH, get(consent::get).post(consent::post))
            .route(LOGOUT_PATH, post(logout::post))
            .route(SET_UP_PATH, get(set_up::get).post(set_up::post));
        let at_issuer = endpoints
            .clone()
            .nest(ALIAS, endpoints)
            .merge(pages)
            .route(JWKS, get(metadata::get_keys))
            .layer(DefaultBodyLimit::max(form::MAXIMUM_BODY));
        let mut router = if path.is_empty() { at_issuer } else { Router::new().nest(path, at_issuer) };
        for path in well_known::authorization_server_paths(self.issuer()) {
            router = router.route(&path, get(metadata::get));
        }
        router
            .merge(assets_router())
            .layer(axum::middleware::map_response_with_state((), no_sniffing))
            .layer(axum::middleware::from_fn(cross_origin))
            .with_state(self.clone())
    }
}

async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Clients that run in a browser may read what programs read (discovery, registration, tokens), without
/// cookies. Pages are not shared: their answers carry no such header.
async fn cross_origin(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let path = request.uri().path();
    let endpoint = path.strip_prefix(ALIAS).unwrap_or(path);
    let is_for_programs = path.contains("/.well-known/") || [TOKEN, REGISTER, REVOKE].contains(&endpoint);
    if !is_for_programs {
        return next.run(request).await;
    }
    let mut response =
        if request.method() == Method::OPTIONS { preflight() } else { next.run(request).await };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, mcp-protocol-version"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
