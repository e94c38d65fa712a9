//! Guards in front of issuers that are really asked, over HTTP on this computer.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use oauth::{ResourceIndicator, jwk::JwkSet, jws::SigningKey};
use secret::Secret;
use serde_json::json;

use super::*;
use crate::{Challenge, Guard, Keys, Permit, Settings};

const RESOURCE: &str = "https://gw.test/mcp/demo";

struct Settable(AtomicI64);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

/// An authorization server of somebody else.
struct Elsewhere {
    url: String,
    key: SigningKey,
    served: Arc<Served>,
}

/// What it serves, and how often it was asked.
#[derive(Default)]
struct Served {
    issuer: Mutex<String>,
    jwk_set: Mutex<Value>,
    /// What it says about every token.
    answer: Mutex<Value>,
    is_down: Mutex<bool>,
    fetched: AtomicUsize,
    asked: Mutex<Vec<String>>,
}

impl Elsewhere {
    async fn start() -> Self {
        let (key, _) = SigningKey::generate();
        let served = Arc::new(Served::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        served.issuer.lock().unwrap().clone_from(&url);
        *served.jwk_set.lock().unwrap() = json!({ "keys": [key.jwk()] });
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/keys", get(keys))
            .route("/introspect", post(introspect))
            .with_state((url.clone(), served.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key, served }
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": self.url, "sub": "user_1", "aud": RESOURCE, "exp": 1_800_000_600, "iat": 1_800_000_000,
            "client_id": "agent", "scope": "read", "preferred_username": "ada",
        });
        change(&mut claims);
        self.key.sign("at+jwt", claims.to_string().as_bytes())
    }

    fn go_down(&self, is_down: bool) {
        *self.served.is_down.lock().unwrap() = is_down;
    }

    fn fetched(&self) -> usize {
        self.served.fetched.load(Ordering::Relaxed)
    }
}

type Shared = State<(String, Arc<Served>)>;

async fn metadata(State((url, served)): Shared) -> impl IntoResponse {
    let document = json!({
        "issuer": *served.issuer.lock().unwrap(),
        "jwks_uri": format!("{url}/keys"),
        "introspection_endpoint": format!("{url}/introspect"),
    });
    (status(&served), Json(document))
}

async fn keys(State((_, served)): Shared) -> impl IntoResponse {
    served.fetched.fetch_add(1, Ordering::Relaxed);
    (status(&served), Json(served.jwk_set.lock().unwrap().clone()))
}

async fn introspect(
    State((_, served)): Shared,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> impl IntoResponse {
    assert_eq!(headers[header::AUTHORIZATION], "Basic Z2F0ZXdheTpodXNo", "gateway:hush");
    let token = form.into_iter().find(|(name, _)| name == "token").unwrap().1;
    served.asked.lock().unwrap().push(token);
    (status(&served), Json(served.answer.lock().unwrap().clone()))
}

fn status(served: &Served) -> StatusCode {
    if *served.is_down.lock().unwrap() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

struct World {
    clock: Arc<Settable>,
    guard: Guard,
    own_keys: Keys,
}

fn external(issuer: &Elsewhere, verification: Verification, clock: &Arc<Settable>) -> ExternalIssuer {
    ExternalIssuer::new(ExternalIssuerSettings {
        issuer: Issuer::of_another(&issuer.url).unwrap(),
        verification,
        audiences: Vec::new(),
        requires_type: true,
        claims: ClaimNames::default(),
        client: outbound::Client::new(outbound::Egress::public().with_loopback()),
        clock: clock.clone(),
    })
}

fn introspection() -> Verification {
    let client_secret = Secret::from("hush");
    Verification::Introspection(Introspection {
        client_id: "gateway".to_owned(),
        client_secret,
        endpoint: None,
    })
}

fn world(own: bool, make: impl FnOnce(&Arc<Settable>) -> Vec<ExternalIssuer>) -> World {
    let clock = Arc::new(Settable(AtomicI64::new(1_800_000_000_000)));
    let issuer = Issuer::parse("https://gw.test").unwrap();
    let resource = ResourceIndicator::parse(RESOURCE).unwrap();
    let issuers = TrustedIssuers { own, external: make(&clock) };
    let own_keys = Keys::default();
    let settings = Settings { issuers, ..Settings::new(issuer, resource, own_keys.clone(), clock.clone()) };
    World { clock, guard: Guard::new(settings), own_keys }
}

fn trusting(issuers: &[&Elsewhere]) -> World {
    world(true, |clock| issuers.iter().map(|issuer| external(issuer, Verification::Keys, clock)).collect())
}

fn headers(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

impl World {
    async fn admit(&self, token: &str) -> Result<Permit, Challenge> {
        self.guard.admit(&headers(token), &Uri::from_static("/mcp/demo")).await
    }

    async fn status(&self, token: &str) -> u16 {
        self.admit(token).await.map_or_else(|challenge| challenge.status().as_u16(), |_| 200)
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_gives_a_permit_and_is_then_known_without_asking() {
    let issuer = Elsewhere::start().await;
    let world = trusting(&[&issuer]);
    let token = issuer.token(|_| {});
    let check = || world.guard.check(&headers(&token), &Uri::from_static("/mcp/demo"));
    assert!(check().is_err(), "nobody was asked yet");
    let permit = world.admit(&token).await.unwrap();
    assert_eq!((permit.issuer().as_str(), permit.subject()), (&*issuer.url, "user_1"));
    assert_eq!(permit.user_name(), Some(&*format!("ada@{}", issuer.url)));
    assert!(permit.is_external());
    issuer.go_down(true);
    assert!(check().is_ok() && world.guard.renew(&permit).is_some());
    let metadata = world.guard.metadata();
    assert_eq!(metadata.authorization_servers, ["https://gw.test", &*issuer.url]);
}

#[tokio::test]
async fn our_own_issuer_can_be_left_out() {
    let issuer = Elsewhere::start().await;
    let (key, _) = SigningKey::generate();
    let claims = json!({
        "iss": "https://gw.test", "sub": "u", "aud": RESOURCE, "exp": 1_800_000_600, "iat": 1_800_000_000, "jti": "j",
        "client_id": "c", "scope": "",
    });
    let token = key.sign("at+jwt", claims.to_string().as_bytes());
    for (own, expect) in [(true, 200), (false, 401)] {
        let world = world(own, |clock| vec![external(&issuer, Verification::Keys, clock)]);
        world.own_keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
        assert_eq!(world.status(&token).await, expect);
        assert_eq!(world.guard.metadata().authorization_servers.len(), if own { 2 } else { 1 });
    }
}

#[tokio::test]
async fn ei_01_a_key_belongs_to_its_issuer_whatever_it_is_called() {
    let (honest, evil) = (Elsewhere::start().await, Elsewhere::start().await);
    // The evil issuer calls its own key like the honest one's.
    let mut key = serde_json::to_value(evil.key.jwk()).unwrap();
    key["kid"] = honest.key.jwk().kid.clone().into();
    *evil.served.jwk_set.lock().unwrap() = json!({ "keys": [key, honest.key.jwk()] });
    let world = trusting(&[&honest, &evil]);
    assert_eq!(world.status(&honest.token(|_| {})).await, 200);
    let forged = honest.token(|claims| claims["iss"] = evil.url.clone().into());
    assert_eq!(world.status(&forged).await, 401, "signed by the honest one, said to be of the evil one");
    let forged = evil.token(|claims| claims["iss"] = honest.url.clone().into());
    assert_eq!(world.status(&forged).await, 401, "signed by the evil one, said to be of the honest one");
    let forged = evil.token(|claims| claims["iss"] = "https://gw.test".into());
    assert_eq!(world.status(&forged).await, 401, "said to be ours");
}

#[tokio::test]
async fn ei_03_a_token_of_an_issuer_that_is_trusted_elsewhere() {
    let (one, other) = (Elsewhere::start().await, Elsewhere::start().await);
    let world = trusting(&[&one]);
    assert_eq!(world.status(&other.token(|_| {})).await, 401);
    assert_eq!(world.status(&other.token(|claims| claims["iss"] = one.url.clone().into())).await, 401);
    for iss in [json!(null), json!(7), json!(format!("{}/", one.url)), json!(one.url.to_uppercase())] {
        assert_eq!(world.status(&one.token(|claims| claims["iss"] = iss.clone())).await, 401, "{iss}");
    }
    assert_eq!(other.fetched(), 0, "nobody asks an issuer that nobody trusts");
}

#[tokio::test]
async fn ei_04_invented_keys_do_not_multiply_fetches() {
    let (issuer, stranger) = (Elsewhere::start().await, Elsewhere::start().await);
    let world = trusting(&[&issuer]);
    let token = |n: usize| {
        let (key, _) = SigningKey::generate();
        let claims = json!({ "iss": issuer.url, "n": n });
        key.sign("at+jwt", claims.to_string().as_bytes())
    };
    for n in 0..50 {
        assert_eq!(world.status(&token(n)).await, 401);
    }
    assert_eq!(issuer.fetched(), 1);
    assert_eq!(world.status(&issuer.token(|_| {})).await, 200, "and the good ones still pass");
    world.pass(10);
    for n in 50..100 {
        assert_eq!(world.status(&token(n)).await, 401);
    }
    assert_eq!(issuer.fetched(), 2);
    // A new key is found as soon as the floor allows.
    *issuer.served.jwk_set.lock().unwrap() = json!({ "keys": [stranger.key.jwk()] });
    let rotated = stranger.token(|claims| claims["iss"] = issuer.url.clone().into());
    assert_eq!(world.status(&rotated).await, 401);
    world.pass(11);
    assert_eq!(world.status(&rotated).await, 200);
    assert_eq!(issuer.fetched(), 3);
}

#[tokio::test]
async fn ei_04_many_at_once_make_one_fetch() {
    let issuer = Elsewhere::start().await;
    let world = Arc::new(trusting(&[&issuer]));
    let requests: tokio::task::JoinSet<u16> = (0..50)
        .map(|n| {
            let (world, token) = (world.clone(), issuer.token(|claims| claims["n"] = n.into()));
            async move { world.status(&token).await }
        })
        .collect();
    assert_eq!(requests.join_all().await, [200; 50]);
    assert_eq!(issuer.fetched(), 1);
}

#[tokio::test]
async fn ei_06_keys_get_old_and_withdrawn_keys_end() {
    let issuer = Elsewhere::start().await;
    let world = trusting(&[&issuer]);
    let long =
        |n: i64| issuer.token(|claims| (claims["n"], claims["exp"]) = (n.into(), 1_800_100_000.into()));
    let seen = long(0);
    assert_eq!(world.status(&seen).await, 200);
    world.pass(4 * 60);
    assert_eq!(world.status(&long(1)).await, 200);
    assert_eq!(issuer.fetched(), 1);
    // The key is withdrawn: new tokens of it end with the freshness of the keys, seen ones no later.
    *issuer.served.jwk_set.lock().unwrap() = json!({ "keys": [] });
    world.pass(61);
    assert_eq!(world.status(&long(2)).await, 401);
    assert_eq!(world.status(&seen).await, 401);
    assert_eq!(issuer.fetched(), 2);
}

#[tokio::test]
async fn ei_07_an_issuer_that_cannot_be_reached() {
    let issuer = Elsewhere::start().await;
    let world = trusting(&[&issuer]);
    let long =
        |n: i64| issuer.token(|claims| (claims["n"], claims["exp"]) = (n.into(), 1_800_100_000.into()));
    issuer.go_down(true);
    let challenge = world.admit(&long(0)).await.unwrap_err().into_response();
    assert_eq!(challenge.status(), 503, "nobody knows whether the token is good");
    assert_eq!(challenge.headers()[header::RETRY_AFTER], "10");
    assert!(!challenge.headers().contains_key(header::WWW_AUTHENTICATE));
    issuer.go_down(false);
    assert_eq!(world.status(&long(0)).await, 503, "and not asked again at once");
    world.pass(10);
    assert_eq!(world.status(&long(0)).await, 200);
    // Known keys are used while it is away, for an hour.
    issuer.go_down(true);
    world.pass(59 * 60);
    assert_eq!(world.status(&long(1)).await, 200);
    let unknown =
        SigningKey::generate().0.sign("at+jwt", json!({ "iss": issuer.url }).to_string().as_bytes());
    assert_eq!(world.status(&unknown).await, 503, "it may be a key that the issuer has made since");
    world.pass(60);
    assert_eq!(world.status(&long(2)).await, 503);
}

#[tokio::test]
async fn md_07_the_metadata_of_another_issuer_is_not_used() {
    let issuer = Elsewhere::start().await;
    *issuer.served.issuer.lock().unwrap() = "https://honest.test".to_owned();
    assert_eq!(trusting(&[&issuer]).status(&issuer.token(|_| {})).await, 503);
    assert_eq!(issuer.fetched(), 0);
}

#[tokio::test]
async fn ei_10_a_token_that_does_not_say_what_it_is() {
    let issuer = Elsewhere::start().await;
    let strict = trusting(&[&issuer]);
    let lenient = world(true, |clock| {
        let settings = ExternalIssuerSettings {
            issuer: Issuer::of_another(&issuer.url).unwrap(),
            verification: Verification::Keys,
            audiences: Vec::new(),
            requires_type: false,
            claims: ClaimNames::default(),
            client: outbound::Client::new(outbound::Egress::public().with_loopback()),
            clock: clock.clone(),
        };
        vec![ExternalIssuer::new(settings)]
    });
    let token = |typ: &str, nonce: bool| {
        let mut claims: Value = jws::unverified_claims(&issuer.token(|_| {})).unwrap();
        if nonce {
            claims["nonce"] = "n".into();
        }
        issuer.key.sign(typ, claims.to_string().as_bytes())
    };
    for (typ, nonce, in_strict, in_lenient) in [
        ("at+jwt", false, 200, 200),
        ("application/at+jwt", false, 200, 200),
        ("JWT", false, 401, 200),
        ("JWT", true, 401, 401),
        ("logout+jwt", false, 401, 401),
    ] {
        let token = token(typ, nonce);
        assert_eq!(strict.status(&token).await, in_strict, "{typ} {nonce}");
        assert_eq!(lenient.status(&token).await, in_lenient, "{typ} {nonce}");
    }
}

#[tokio::test]
async fn opaque_tokens_are_asked_about_and_the_answer_holds_for_seconds() {
    let issuer = Elsewhere::start().await;
    let world = world(true, |clock| vec![external(&issuer, introspection(), clock)]);
    let say = |answer: Value| *issuer.served.answer.lock().unwrap() = answer;
    let asked = || issuer.served.asked.lock().unwrap().len();
    let active =
        json!({ "active": true, "sub": "user_1", "aud": RESOURCE, "client_id": "agent", "scope": "read" });
    say(active.clone());
    let permit = world.admit("opaque-1").await.unwrap();
    assert_eq!((permit.issuer().as_str(), permit.scope().to_string().as_str()), (&*issuer.url, "read"));
    assert_eq!(world.status("opaque-1").await, 200);
    assert_eq!(asked(), 1);
    say(json!({ "active": false }));
    assert_eq!(world.status("opaque-2").await, 401);
    assert_eq!(world.status("opaque-2").await, 401);
    assert_eq!(asked(), 2, "a refusal is remembered too");
    world.pass(10);
    assert_eq!(world.status("opaque-1").await, 401, "revoked at the issuer");
    say(active);
    world.pass(10);
    issuer.go_down(true);
    assert_eq!(world.status("opaque-1").await, 503);
    issuer.go_down(false);
    assert_eq!(world.status("opaque-1").await, 200);
}

#[tokio::test]
async fn ei_05_what_is_active_for_others_is_nothing_here() {
    let issuer = Elsewhere::start().await;
    let world = world(true, |clock| vec![external(&issuer, introspection(), clock)]);
    for (n, (answer, expect)) in [
        (json!({ "active": true, "sub": "u", "client_id": "c", "aud": "https://other.test" }), 401),
        (json!({ "active": true, "sub": "u", "client_id": "c" }), 401),
        (json!({ "active": true, "sub": "u", "client_id": "c", "aud": RESOURCE, "iss": "https://other.test" }), 401),
        (json!({ "active": "true", "sub": "u", "client_id": "c", "aud": RESOURCE }), 503),
        (json!({ "error": "invalid_request" }), 503),
        (json!([true]), 503),
    ]
    .into_iter()
    .enumerate()
    {
        *issuer.served.answer.lock().unwrap() = answer.clone();
        assert_eq!(world.status(&format!("opaque-{n}")).await, expect, "{answer}");
    }
}

#[tokio::test]
async fn ei_09_nobody_is_shown_a_token_of_another() {
    let (asked, other) = (Elsewhere::start().await, Elsewhere::start().await);
    let world = world(true, |clock| {
        vec![external(&other, Verification::Keys, clock), external(&asked, introspection(), clock)]
    });
    *asked.served.answer.lock().unwrap() =
        json!({ "active": true, "sub": "u", "client_id": "c", "aud": RESOURCE });
    let (stranger, _) = SigningKey::generate();
    for token in [
        other.token(|_| {}),
        other.token(|claims| claims["iss"] = "https://gw.test".into()),
        other.token(|claims| claims["iss"] = "https://unknown.test".into()),
        stranger.sign("at+jwt", br#"{"sub":"no issuer"}"#),
        "vst_rt_a-refresh-token-of-ours".to_owned(),
        "vst_anything".to_owned(),
    ] {
        _ = world.status(&token).await;
    }
    assert_eq!(*asked.served.asked.lock().unwrap(), [""; 0]);
    let own = asked.token(|_| {});
    assert_eq!(world.status(&own).await, 200, "its own, in whatever form");
    assert_eq!(*asked.served.asked.lock().unwrap(), [own]);
}
