//! The provider's endpoints.

use std::{collections::HashMap, io, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, StatusCode, header};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oauth::CodeChallenge;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Service as _;

use super::{
    CLIENT_ID, CLIENT_SECRET, Hub,
    ledger::{InvalidGrant, Issued},
    turn::{Answer, Fault, Turn, When},
};
use crate::vault::rest_api::bearer;

/// What the connection is told when it has to be cut.
#[derive(Clone, Copy)]
struct Cut;

pub(super) fn router(hub: Hub) -> Router {
    Router::new()
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .route("/userinfo", get(userinfo))
        .with_state(hub)
}

/// An answer that is a [`Cut`] is none: the connection is closed in its place.
pub(super) async fn serve(listener: TcpListener, router: Router) {
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
    let account = bearer(&headers).and_then(|token| hub.lock().ledger.account(&token));
    match account {
        Some(account) => Json(json!({ "sub": format!("hub|{account}"), "name": account })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
