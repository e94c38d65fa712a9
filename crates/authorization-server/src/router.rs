//! Every endpoint at one look.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, Method, StatusCode, header};
use oauth::well_known;

use crate::{
    AuthorizationServer, authorize, consent, form, home, introspection, login, logout,
    metadata::{self, AUTHORIZE, INTROSPECT, JWKS, REGISTER, REVOKE, TOKEN},
    pages::{CONSENT_PATH, LOGIN_PATH, LOGOUT_PATH, SET_UP_PATH, assets_router},
    registration, revocation, set_up, token,
};

/// Where older clients look for the endpoints.
const ALIAS: &str = "/oauth";

impl AuthorizationServer {
    /// All endpoints of the authorization server, and a page for every address that is nobody's.
    pub fn router(&self) -> Router {
        let path = self.issuer().path();
        let endpoints = self.endpoints_for_programs().merge(endpoints_for_people());
        let at_issuer = endpoints.clone().nest(ALIAS, endpoints).route("/", get(home::get));
        let at_issuer = if path.is_empty() { at_issuer } else { Router::new().nest(path, at_issuer) };
        at_issuer
            .merge(self.metadata_documents())
            .fallback(home::not_found)
            .layer(DefaultBodyLimit::max(form::MAXIMUM_BODY))
            .layer(from_fn(for_nobody_else))
            .with_state(self.clone())
    }

    /// Clients that run in a browser may use these from any origin: no cookie is looked at.
    fn endpoints_for_programs(&self) -> Router<AuthorizationServer> {
        let mut router = Router::new()
            .route(TOKEN, post(token::post))
            .route(REVOKE, post(revocation::post))
            .route(JWKS, get(metadata::get_keys));
        if self.settings().registration.enabled {
            let limit = DefaultBodyLimit::max(registration::MAXIMUM_BODY);
            router = router.route(REGISTER, post(registration::post).layer(limit));
        }
        router.layer(from_fn(cross_origin)).route(INTROSPECT, post(introspection::post))
    }

    fn metadata_documents(&self) -> Router<AuthorizationServer> {
        let paths = well_known::authorization_server_paths(self.issuer());
        let router = paths.iter().fold(Router::new(), |router, path| router.route(path, get(metadata::get)));
        router.layer(from_fn(cross_origin))
    }
}

fn endpoints_for_people() -> Router<AuthorizationServer> {
    Router::new()
        .route(AUTHORIZE, get(authorize::get).post(authorize::post))
        .route(LOGIN_PATH, get(login::get).post(login::post))
        .route(CONSENT_PATH, get(consent::get).post(consent::post))
        .route(LOGOUT_PATH, post(logout::post))
        .route(SET_UP_PATH, get(set_up::get).post(set_up::post))
        .merge(assets_router())
}

/// An answer is what it says it is, and nobody keeps one that does not say how long.
async fn for_nobody_else(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn cross_origin(request: Request, next: Next) -> Response {
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
