//! The front page, and the answer to whatever is nowhere.

use axum::{extract::State, response::Response};
use http::StatusCode;

use crate::{
    AuthorizationServer,
    browser::FromBrowser,
    page::{self, PageError},
    pages::{ErrorKind, Home, HomeServer},
};

/// GET /
pub(crate) async fn get(State(server): State<AuthorizationServer>, from: FromBrowser) -> Response {
    let resources = server.resources();
    let servers: Vec<_> = resources
        .iter()
        .filter(|resource| !resource.is_alias)
        .map(|resource| HomeServer { name: &resource.name, address: resource.indicator.as_str() })
        .collect();
    let html = Home { servers: &servers }.render(from.language);
    page::show(server.issuer(), StatusCode::OK, html, None)
}

/// Every address that is nobody's.
pub(crate) async fn not_found(State(server): State<AuthorizationServer>, from: FromBrowser) -> Response {
    if from.is_navigation {
        return page::answer(&server, &from, Err(PageError::new(ErrorKind::NotFound, StatusCode::NOT_FOUND)));
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
