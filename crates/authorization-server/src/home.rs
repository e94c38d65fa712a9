//! The front page, and the answer to whatever is nowhere.

use axum::{extract::State, response::Response};
use http::StatusCode;

use crate::{
    AuthorizationServer,
    browser::FromBrowser,
    page::{self, PageError},
    pages::{ErrorKind, Home, HomeServer},
    signed_in::SignedIn,
};

/// GET /
pub(crate) async fn get(State(server): State<AuthorizationServer>, from: FromBrowser) -> Response {
    let result = home(&server, &from).await;
    page::answer(&server, &from, result)
}

async fn home(server: &AuthorizationServer, from: &FromBrowser) -> Result<Response, PageError> {
    let who = server.signed_in(from).await?;
    let resources = server.resources();
    let servers: Vec<_> = resources
        .iter()
        .filter(|resource| !resource.is_alias)
        .map(|resource| HomeServer { name: &resource.name, address: resource.indicator.as_str() })
        .collect();
    let view = Home { servers: &servers, user_name: who.as_ref().map(SignedIn::user_name) };
    Ok(page::show(server.issuer(), StatusCode::OK, view.render(from.language), None))
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
