//! A REST API shaped like GitHub's, and the same as an MCP server: what is answered depends on whose token came.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Says whose access token it is, if it is good.
pub(crate) type Accepts = Arc<dyn Fn(String) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// The running API; it ends with the value.
pub(crate) struct RestApi {
    address: SocketAddr,
    heard: Heard,
    task: JoinHandle<()>,
}

/// A request that came, with or without a good token.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// Whose token came with it.
    pub(crate) account: Option<String>,
}

type Heard = Arc<Mutex<Vec<Request>>>;

#[derive(Clone)]
struct Api {
    accepts: Accepts,
    heard: Heard,
}

impl RestApi {
    pub(crate) async fn start(accepts: Accepts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
        let router = Router::new()
            .route("/user", get(user))
            .route("/user/repos", get(repositories).post(create_repository))
            .route("/mcp", post(mcp))
            .with_state(Api { accepts, heard: Arc::clone(&heard) });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, heard, task }
    }

    /// Its base URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub(crate) fn heard(&self) -> Vec<Request> {
        self.heard.lock().expect("no holder of the lock panics").clone()
    }

    /// Its `OpenAPI` document.
    pub(crate) fn document(&self) -> Value {
        let repository = json!({
            "type": "object",
            "properties": { "name": { "type": "string" }, "private": { "type": "boolean" } },
            "required": ["name"],
        });
        let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
        let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
        json!({
            "openapi": "3.1.0",
            "info": { "title": "Hub", "version": "1" },
            "servers": [{ "url": self.url() }],
            "security": [{ "hub": ["repo"] }],
            "components": { "securitySchemes": { "hub": { "type": "http", "scheme": "bearer" } } },
            "paths": {
                "/user": { "get": {
                    "operationId": "get_user",
                    "summary": "Get the authenticated user",
                    "responses": answer(json!({ "type": "object" })),
                } },
                "/user/repos": {
                    "get": {
                        "operationId": "get_user_repos",
                        "summary": "List repositories of the authenticated user",
                        "parameters": [
                            query("sort", json!({ "type": "string", "enum": ["created", "full_name"] })),
                            query("per_page", json!({ "type": "integer", "default": 30 })),
                        ],
                        "responses": answer(json!({ "type": "array", "items": repository })),
                    },
                    "post": {
                        "operationId": "create_user_repo",
                        "summary": "Create a repository",
                        "requestBody": { "required": true, "content": { "application/json": { "schema": repository } } },
                        "responses": answer(repository),
                    },
                },
            },
        })
    }
}

impl Drop for RestApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Api {
    /// Whose request it is; it is kept in any case.
    async fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<String, Response> {
        let account = match bearer(headers) {
            Some(token) => (self.accepts)(token).await,
            None => None,
        };
        let request = Request { target: uri.to_string(), headers: headers.clone(), account: account.clone() };
        self.heard.lock().expect("no holder of the lock panics").push(request);
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
        let body = || Json(json!({ "message": "Bad credentials" }));
        account.ok_or_else(|| (StatusCode::UNAUTHORIZED, challenge, body()).into_response())
    }
}

/// The token of an `Authorization` header (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

async fn user(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Response {
    match api.admit(&uri, &headers).await {
        Ok(account) => Json(json!({ "login": account, "id": 1 })).into_response(),
        Err(refused) => refused,
    }
}

async fn repositories(
    State(api): State<Api>,
    Query(query): Query<Value>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match api.admit(&uri, &headers).await {
        Ok(account) => {
            let name = format!("{account}/{}", query["sort"].as_str().unwrap_or("unsorted"));
            Json(json!([{ "name": name, "private": false }])).into_response()
        }
        Err(refused) => refused,
    }
}

async fn create_repository(State(api): State<Api>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    match (api.admit(&uri, &headers).await, serde_json::from_slice::<Value>(&body)) {
        (Ok(_), Ok(asked)) => (StatusCode::CREATED, Json(asked)).into_response(),
        (Ok(_), Err(_)) => StatusCode::BAD_REQUEST.into_response(),
        (Err(refused), _) => refused,
    }
}

/// An MCP server of the stateless revision: one tool says who calls it, the other one says too much.
async fn mcp(State(api): State<Api>, uri: Uri, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let account = match api.admit(&uri, &headers).await {
        Ok(account) => account,
        Err(refused) => return refused,
    };
    let result = match request["method"].as_str().unwrap_or_default() {
        "server/discover" => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
            "ttlMs": 60_000, "cacheScope": "private",
        }),
        "tools/list" => json!({
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "tools": [
                { "name": "whoami", "inputSchema": { "type": "object" } },
                { "name": "echo", "inputSchema": { "type": "object" } },
            ],
        }),
        "tools/call" if request["params"]["name"] == "echo" => {
            let said = format!("{account} came with {}", bearer(&headers).unwrap_or_default());
            json!({ "resultType": "complete", "content": [{ "type": "text", "text": said }] })
        }
        "tools/call" => json!({ "resultType": "complete", "content": [{ "type": "text", "text": account }] }),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response()
}
