//! A provider on loopback: its token endpoint gives what the test says.

use std::sync::{Arc, Mutex};

use axum::{Form, Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::json;

/// Secrets that must be nowhere but in the vault.
pub(crate) const ACCESS_TOKEN: &str = "provider-access-token-8d1f";
pub(crate) const REFRESH_TOKEN: &str = "provider-refresh-token-77aa";

pub(crate) struct Provider {
    pub(crate) origin: String,
    state: Arc<Mutex<Said>>,
}

#[derive(Clone)]
struct Said {
    account: (&'static str, &'static str),
    fails: bool,
    redeemed: Vec<String>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let said = Said { account: ("1001", "ada-l"), fails: false, redeemed: Vec::new() };
        let state = Arc::new(Mutex::new(said));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/token", post(token)).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, state }
    }

    /// From now on the account at the provider is this one.
    pub(crate) fn sign_in_as(&self, id: &'static str, name: &'static str) {
        self.state.lock().unwrap().account = (id, name);
    }

    /// From now on its token endpoint answers 500.
    pub(crate) fn fail(&self) {
        self.state.lock().unwrap().fails = true;
    }

    /// Every code that was redeemed.
    pub(crate) fn redeemed(&self) -> Vec<String> {
        self.state.lock().unwrap().redeemed.clone()
    }
}

async fn token(
    State(state): State<Arc<Mutex<Said>>>,
    Form(form): Form<Vec<(String, String)>>,
) -> axum::response::Response {
    let mut said = state.lock().unwrap();
    let one = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    said.redeemed.extend(one("code"));
    if said.fails {
        return (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response();
    }
    let (id, name) = said.account;
    Json(json!({
        "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "token_type": "Bearer", "expires_in": 3600,
        "scope": "repo read:user", "account": { "id": id, "name": name },
    }))
    .into_response()
}
