//! Every endpoint at one look.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{
    account, api, callback, client_document, connect, connections,
    pages::{ACCOUNT_PATH, CONNECT_PATH, CONNECTIONS_PATH},
    settings::{Console, Settings},
};

/// The largest form that is read, in bytes: a secret that somebody types is small, a key may be a file.
const MAXIMUM_BODY: usize = 64 * 1024;

/// The pages and the HTTP API, below the issuer's path, with the metadata of the HTTP API (RFC 9728).
pub fn router(settings: Settings) -> Router {
    let metadata = guard::metadata_router([&settings.guard]);
    let console = Console::new(settings);
    let path = console.issuer().path().to_owned();
    let below = pages().merge(api::router(&console));
    let at_issuer = if path.is_empty() { below } else { Router::new().nest(&path, below) };
    at_issuer.with_state(console).merge(metadata)
}

fn pages() -> Router<Console> {
    Router::new()
        .route(CONNECT_PATH, get(connect::get).post(connect::post))
        .route(ACCOUNT_PATH, post(account::post))
        .route("/connect/callback/{provider}", get(callback::get))
        .route("/connect/client/{provider}", get(client_document::get))
        .route(CONNECTIONS_PATH, get(connections::get).post(connections::post))
        .layer(DefaultBodyLimit::max(MAXIMUM_BODY))
}
