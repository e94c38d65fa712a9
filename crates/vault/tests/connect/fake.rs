//! A provider on loopback that answers what a test says, and remembers every request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use oauth::parameters::Parameters;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    url: String,
    answers: Mutex<HashMap<String, (u16, Value)>>,
    seen: Mutex<Vec<Seen>>,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { url, answers: Mutex::default(), seen: Mutex::default(), gates: Mutex::default() };
        let fake = Self(Arc::new(inner));
        fake.answer("/token", 200, tokens("at-1"));
        fake.answer("/user", 200, json!({"id": 1, "login": "ada-at-p"}));
        fake.answer("/revoke", 200, json!({}));
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.url)
    }

    /// What `path` answers from now on.
    pub(crate) fn answer(&self, path: &str, status: u16, body: Value) {
        self.0.answers.lock().unwrap().insert(path.to_owned(), (status, body));
    }

    /// Lets requests to `path` wait until [`Fake::open`].
    pub(crate) fn close(&self, path: &str) {
        self.0.gates.lock().unwrap().insert(path.to_owned(), Arc::new(Semaphore::new(0)));
    }

    pub(crate) fn open(&self, path: &str) {
        self.0.gates.lock().unwrap()[path].add_permits(1000);
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.0.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen(path).len()
    }
}

impl Seen {
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let parameters = Parameters::parse(self.body.as_bytes()).unwrap();
        parameters.one(name).unwrap().map(str::to_owned)
    }
}

/// A token response with this access token, granting what was asked for.
pub(crate) fn tokens(access_token: &str) -> Value {
    json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": format!("rt-of-{access_token}"),
    })
}

async fn answer(State(fake): State<Fake>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    fake.0.seen.lock().unwrap().push(Seen { path: path.clone(), headers, body });
    let gate = fake.0.gates.lock().unwrap().get(&path).cloned();
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
    let (status, body) = fake.0.answers.lock().unwrap().get(&path).cloned().unwrap_or((404, json!({})));
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), content_type, body.to_string()).into_response()
}
