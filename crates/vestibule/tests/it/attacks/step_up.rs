//! GW-27: a server that is never content with the scopes it gets. What gives up is our client.

use std::{
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

/// A resource and its authorization server, which says yes to everybody at once.
#[derive(Clone)]
struct Insatiable {
    url: Arc<str>,
    /// How often it has sent somebody to the login page.
    authorizations: Arc<AtomicUsize>,
    /// How often it has asked for a scope that was not there yet.
    demands: Arc<AtomicUsize>,
    /// Whether it asks for one more, of a request with this method, when it has asked so often.
    appetite: fn(method: &str, demands: usize) -> bool,
}

impl Insatiable {
    async fn start(appetite: fn(&str, usize) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).into();
        let server = Self { url, authorizations: Arc::default(), demands: Arc::default(), appetite };
        let router = Router::new()
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(|| async { (StatusCode::CREATED, Json(json!({ "client_id": "c" }))) }))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/mcp", post(mcp))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn challenge(&self, status: StatusCode, parameters: &str) -> Response {
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", self.url);
        let challenge = format!("Bearer resource_metadata=\"{metadata}\", {parameters}");
        (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    }

    /// `vestibule call`, by a person whose browser goes wherever it is sent.
    async fn called(&self) -> Output {
        let tokens = tempfile::tempdir().unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["call", &format!("{}/mcp", self.url), "greet"])
            .env("VESTIBULE_TOKEN_DIR", tokens.path())
            .env("BROWSER", "curl --silent --location")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        tokio::time::timeout(std::time::Duration::from_mins(1), command).await.expect("it ends").unwrap()
    }
}

async fn resource(State(server): State<Insatiable>) -> Json<Value> {
    let url = &server.url;
    Json(json!({ "resource": format!("{url}/mcp"), "authorization_servers": [url.as_ref()] }))
}

async fn metadata(State(server): State<Insatiable>) -> Json<Value> {
    let url = &server.url;
    Json(json!({
        "issuer": url.as_ref(),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "registration_endpoint": format!("{url}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn authorize(State(server): State<Insatiable>, Query(query): Query<Value>) -> Redirect {
    server.authorizations.fetch_add(1, Ordering::Relaxed);
    let text = |name: &str| query[name].as_str().unwrap_or_default();
    let back = [("code", "c"), ("state", text("state")), ("iss", &server.url)];
    let back = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
    Redirect::to(&format!("{}?{back}", text("redirect_uri")))
}

async fn token() -> Json<Value> {
    Json(json!({ "access_token": "good", "token_type": "Bearer", "expires_in": 600, "refresh_token": "r" }))
}

/// Takes every token, and wants one scope more than any had before.
async fn mcp(State(server): State<Insatiable>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        return server.challenge(StatusCode::UNAUTHORIZED, "scope=\"first\"");
    }
    let method = request["method"].as_str();
    let demand = server.demands.load(Ordering::Relaxed);
    if (server.appetite)(method.unwrap_or_default(), demand) {
        server.demands.fetch_add(1, Ordering::Relaxed);
        let parameters = format!("error=\"insufficient_scope\", scope=\"more-{demand}\"");
        return server.challenge(StatusCode::FORBIDDEN, &parameters);
    }
    let result = match method {
        Some("initialize") => json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                                      "serverInfo": { "name": "insatiable", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [{ "name": "greet", "inputSchema": { "type": "object" } }] }),
        Some("tools/call") => json!({ "content": [{ "type": "text", "text": "hello" }] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response()
}

#[tokio::test]
async fn gw_27_a_server_that_asks_for_a_new_scope_each_time_gets_three_logins() {
    let greedy: [fn(&str, usize) -> bool; 2] = [
        |_, _| true,
        // Content after a while with each request, so that none of them is asked too often.
        |method, demands| demands < 2 || method == "tools/call" && demands < 4,
    ];
    for appetite in greedy {
        let server = Insatiable::start(appetite).await;
        let output = server.called().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(server.authorizations.load(Ordering::Relaxed), 3, "{said}");
        assert_eq!(server.demands.load(Ordering::Relaxed), 3, "the third refusal is the last: {said}");
        assert!(said.contains("more-2"), "it says which scope was asked for in the end: {said}");
        assert_eq!(output.stdout, b"");
    }
}

/// The limit is not what keeps an honest server from asking for more.
#[tokio::test]
async fn gw_27_a_server_that_asks_for_two_scopes_more_gets_them() {
    let server = Insatiable::start(|method, demands| method == "tools/call" && demands < 2).await;
    let output = server.called().await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(server.authorizations.load(Ordering::Relaxed), 3, "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("hello"), "{output:?}");
}
