//! An OAuth provider in the test's own process, which does what the test tells it: asks nobody, rotates refresh tokens,
//! ends a family whose refresh token comes twice, counts, waits, fails.

mod ledger;
mod turn;

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode, header};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oauth::CodeChallenge;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::Service as _;

use self::ledger::{InvalidGrant, Issued, Ledger};
pub(crate) use self::turn::{Answer, Fault, Gate, Turn, When};
use super::rest_api::{Accepts, RestApi};

pub(crate) const CLIENT_ID: &str = "vestibule-at-hub";
pub(crate) const CLIENT_SECRET: &str = "hubcs_canary_secret_of_our_client_0001";

/// The running provider, with an API that takes its tokens; both end with the value.
pub(crate) struct Provider {
    address: SocketAddr,
    state: Hub,
    pub(crate) api: RestApi,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Hub(Arc<Mutex<Inner>>);

struct Inner {
    ledger: Ledger,
    /// Who sits before the browser at the provider.
    account: String,
    /// How long access tokens are good.
    lifetime: Duration,
    /// Whether a refresh token that comes twice gets the same answer again.
    grace: bool,
    turns: VecDeque<Turn>,
    always: Turn,
    /// Requests with `grant_type=refresh_token`, whatever became of them.
    attempts: usize,
    /// How many of them are under way.
    under_way: usize,
    /// How often there were two of them.
    overlaps: usize,
}

/// What the connection is told when it has to be cut.
#[derive(Clone, Copy)]
struct Cut;

impl Provider {
    pub(crate) async fn start() -> Self {
        let inner = Inner {
            ledger: Ledger::default(),
            account: "ada".to_owned(),
            lifetime: Duration::from_hours(1),
            grace: false,
            turns: VecDeque::new(),
            always: Turn::default(),
            attempts: 0,
            under_way: 0,
            overlaps: 0,
        };
        let state = Hub(Arc::new(Mutex::new(inner)));
        let accepting = state.clone();
        let accepts: Accepts =
            Arc::new(move |token| std::future::ready(accepting.lock().ledger.account(&token)).boxed());
        let api = RestApi::start(accepts).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/userinfo", get(userinfo))
            .with_state(state.clone());
        Self { address, state, api, task: tokio::spawn(serve(listener, router)) }
    }

    /// Its own URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whoever comes to its pages is this person.
    pub(crate) fn is_visited_by(&self, account: &str) {
        account.clone_into(&mut self.state.lock().account);
    }

    /// How long the access tokens are good that it issues from now on.
    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.state.lock().lifetime = lifetime;
    }

    /// A refresh token that comes twice gets the same successor again.
    pub(crate) fn repeats_itself(&self) {
        self.state.lock().grace = true;
    }

    /// What it does with the next request to its token endpoint that nothing is planned for yet.
    pub(crate) fn next(&self, turn: Turn) {
        self.state.lock().turns.push_back(turn);
    }

    /// What it does with requests for which nothing else is planned.
    pub(crate) fn always(&self, turn: Turn) {
        self.state.lock().always = turn;
    }

    /// How many refresh tokens were good.
    pub(crate) fn refreshes(&self) -> usize {
        self.state.lock().ledger.refreshes
    }

    /// How many refresh requests came.
    pub(crate) fn attempts(&self) -> usize {
        self.state.lock().attempts
    }

    /// How many refreshes came before half of the time was over that the last answer had promised.
    pub(crate) fn early(&self) -> usize {
        self.state.lock().ledger.early
    }

    /// How often a refresh request came while another one was under way.
    pub(crate) fn overlaps(&self) -> usize {
        self.state.lock().overlaps
    }

    /// How many refresh tokens came a second time.
    pub(crate) fn reuses(&self) -> usize {
        self.state.lock().ledger.reuses
    }

    /// How many families were ended by a revocation request.
    pub(crate) fn revocations(&self) -> usize {
        self.state.lock().ledger.revocations
    }

    /// From now on no access token is good that was issued before.
    pub(crate) fn expire_access_tokens(&self) {
        self.state.lock().ledger.expire_access_tokens();
    }

    /// The person has withdrawn what they allowed.
    pub(crate) fn withdraw(&self) {
        self.state.lock().ledger.withdraw();
    }

    /// Every code and token there ever was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state.lock().ledger.minted()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

/// An answer that is a [`Cut`] is none: the connection is closed in its place.
async fn serve(listener: TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let router = router.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let mut router = router.clone();
            async move {
                let Ok(response) = router.call(request.map(Body::new)).await;
                let is_cut = response.extensions().get::<Cut>().is_some();
                if is_cut { Err(io::Error::other("cut")) } else { Ok(response) }
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Nobody is asked: who comes here allows everything.
async fn authorize(State(hub): State<Hub>, Query(query): Query<HashMap<String, String>>) -> Response {
    let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let is_known = text("client_id") == CLIENT_ID && text("response_type") == "code";
    let challenge = CodeChallenge::parse(text("code_challenge"));
    let (true, "S256", Ok(challenge)) = (is_known, text("code_challenge_method"), challenge) else {
        return (StatusCode::BAD_REQUEST, "this is no request of a client that we know").into_response();
    };
    let mut inner = hub.lock();
    let account = inner.account.clone();
    let code = inner.ledger.code(&account, text("scope"), text("redirect_uri"), challenge);
    let back = [("code", code.as_str()), ("state", text("state"))];
    let back = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
    Redirect::to(&format!("{}?{back}", text("redirect_uri"))).into_response()
}

async fn token(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    if !is_our_client(&headers, &form) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let (turn, _under_way) = hub.take_turn(&form);
    tokio::time::sleep(turn.delay).await;
    pass(&turn, When::BeforeCommit).await;
    match turn.fault {
        Some(Fault::Answer(answer)) => return answered(answer),
        Some(Fault::Cut) => return cut(),
        _ => {}
    }
    let issued = hub.issue(&form, turn.keeps_refresh_token);
    pass(&turn, When::AfterCommit).await;
    match turn.fault {
        Some(Fault::CutAfterCommit) => return cut(),
        Some(Fault::AnswerAfterCommit(answer)) => return answered(answer),
        _ => {}
    }
    match issued {
        Ok(issued) => {
            let response = hub.token_response(&issued, &turn);
            let promised = response["expires_in"].as_u64().unwrap_or_default();
            hub.lock().ledger.promised(&issued.access, Duration::from_secs(promised));
            Json(response).into_response()
        }
        Err(InvalidGrant) => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
        }
    }
}

impl Hub {
    fn take_turn(&self, form: &HashMap<String, String>) -> (Turn, Option<UnderWay>) {
        let mut inner = self.lock();
        let is_refresh = form.get("grant_type").is_some_and(|kind| kind == "refresh_token");
        if is_refresh {
            inner.attempts += 1;
            inner.overlaps += usize::from(inner.under_way > 0);
            inner.under_way += 1;
        }
        let turn = inner.turns.pop_front().unwrap_or_else(|| inner.always.clone());
        (turn, is_refresh.then(|| UnderWay(self.clone())))
    }

    fn issue(
        &self,
        form: &HashMap<String, String>,
        keeps_refresh_token: bool,
    ) -> Result<Issued, InvalidGrant> {
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let mut inner = self.lock();
        let (lifetime, grace) = (inner.lifetime, inner.grace);
        match text("grant_type") {
            "authorization_code" => {
                inner.ledger.redeem(text("code"), text("redirect_uri"), text("code_verifier"), lifetime)
            }
            "refresh_token" if keeps_refresh_token => inner.ledger.renew(text("refresh_token"), lifetime),
            "refresh_token" => inner.ledger.refresh(text("refresh_token"), lifetime, grace),
            _ => Err(InvalidGrant),
        }
    }

    /// RFC 6749 §5.1
    fn token_response(&self, issued: &Issued, turn: &Turn) -> Value {
        let mut response = json!({
            "access_token": issued.access,
            "token_type": "bearer",
            "scope": issued.scope,
            "refresh_token": issued.refresh,
            "expires_in": self.lock().lifetime.as_secs(),
        });
        match &turn.expires_in {
            Some(Value::Null) => drop(response.as_object_mut().map(|response| response.remove("expires_in"))),
            Some(said) => response["expires_in"] = said.clone(),
            None => {}
        }
        if turn.keeps_refresh_token {
            response.as_object_mut().map(|response| response.remove("refresh_token"));
        }
        response
    }
}

/// A refresh request that has not been answered, nor given up by the client.
struct UnderWay(Hub);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}

/// RFC 6749 §2.3.1, in either way.
fn is_our_client(headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let in_header = headers.get(header::AUTHORIZATION).is_some_and(|value| *value == basic);
    let is = |name: &str, expected: &str| form.get(name).is_some_and(|value| value == expected);
    in_header || is("client_id", CLIENT_ID) && is("client_secret", CLIENT_SECRET)
}

async fn pass(turn: &Turn, now: When) {
    if let Some((when, gate)) = &turn.gate
        && *when == now
    {
        gate.pass().await;
    }
}

fn answered(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap();
    let mut response = (status, [(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response();
    if let Some(after) = answer.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
    }
    response
}

fn cut() -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// RFC 7009 §2.2
async fn revoke(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    if !is_our_client(&headers, &form) {
        return StatusCode::UNAUTHORIZED;
    }
    hub.lock().ledger.revoke(form.get("token").map(String::as_str).unwrap_or_default());
    StatusCode::OK
}

async fn userinfo(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    let account = super::rest_api::bearer(&headers).and_then(|token| hub.lock().ledger.account(&token));
    match account {
        Some(account) => Json(json!({ "sub": format!("hub|{account}"), "name": account })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
