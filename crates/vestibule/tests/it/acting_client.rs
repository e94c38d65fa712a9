//! A client that acts for itself, as demo mode allows it.

use serde_json::json;

use crate::{http_client, server::Server};

/// An access token of a new client for the server at `path`, with the scope that servers have by default.
pub(crate) async fn token(server: &Server, path: &str) -> String {
    token_with(server, path, "use").await
}

/// The same with another scope.
pub(crate) async fn token_with(server: &Server, path: &str, scope: &str) -> String {
    let registration = json!({
        "client_name": "sdk",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "scope": scope,
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = server.send(http_client::json("/register", &registration)).await.json();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("resource", &format!("{}{path}", server.issuer())),
        ("scope", scope),
    ];
    let tokens = server.send(http_client::form("/token", &fields)).await.json();
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}
