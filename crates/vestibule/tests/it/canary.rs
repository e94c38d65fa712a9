//! No secret is written down: flows and mistakes with known secrets, everything logged, then a search for each
//! secret in every form in the log and in every file of the database.

mod key_in_query;
pub(crate) mod search;

use std::sync::Arc;

use http::{HeaderValue, Request, header};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use secret::Digest;
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    attacks::{
        client::{AuthorizationRequest, Client, basic},
        expect,
        scripted_browser::{BROWSER_COOKIE, SESSION_COOKIE, ScriptedBrowser},
        world::{Tokens, UNHURRIED, World, get},
    },
    http_client, postgresql,
    server::{PASSWORD, Server, Settings, USERNAME},
};
use search::Canaries;

/// Of this test alone, and not the one whose challenge is known.
const VERIFIER: &str = "canary-verifier-canary-verifier-canary-verifier-1";
const WRONG_PASSWORD: &str = "canary wrong password";
const WRONG_SECRET: &str = "vst_cs_canary-wrong-secret";
const CHOSEN_PASSWORD: &str = "canary chosen password";
const ASSERTION: &str = "canary.client.assertion";

fn start(database: Option<String>) -> World {
    let settings = Settings {
        database,
        configuration: Some(UNHURRIED.to_owned()),
        log: Some("trace"),
        ..Settings::default()
    };
    World { server: Arc::new(Server::start(&settings)) }
}

#[tokio::test]
async fn op_02_and_va_01_no_secret_in_the_log_or_the_database() {
    let world = start(None);
    let canaries = walk(&world, &[]).await;
    let log = world.server.log();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "not everything is logged");
    canaries.are_not_in(&world.server.data_directory());
    canaries.are_not_in_log(&log);
    assert!(!log.contains("panic"), "a request ended in a panic");
}

#[tokio::test]
async fn op_02_and_va_01_no_secret_in_the_log_or_postgresql() {
    let postgresql = postgresql::Server::start();
    let database = postgresql.create_database();
    let world = start(Some(database.clone()));
    let canaries = walk(&world, &["--database", &database]).await;
    canaries.are_not_in(&world.server.data_directory());
    canaries.are_not_in_log(&world.server.log());
    canaries.are_not_in(std::path::Path::new(&postgresql.socket_directory()));
}

#[test]
fn the_search_finds_every_form() {
    search::finds_every_form();
}

/// Everything that a person and their clients do, and what they do wrong.
async fn walk(world: &World, flags: &[&str]) -> Canaries {
    let mut canaries = Canaries::default();
    for (name, value) in [
        ("password", PASSWORD),
        ("wrong password", WRONG_PASSWORD),
        ("wrong secret", WRONG_SECRET),
        ("chosen password", CHOSEN_PASSWORD),
        ("verifier", VERIFIER),
        ("assertion", ASSERTION),
    ] {
        canaries.add(name, value);
    }
    canaries.add_keyring(&world.server.data_directory());
    invited(world, flags, &mut canaries).await;
    let confidential = world.confidential_client().await;
    canaries.add("client secret", confidential.secret.as_deref().expect("the client is confidential"));
    for client in [confidential.clone(), world.public_client().await] {
        let code = person(world, &client, &mut canaries).await;
        let tokens = program(world, &client, &code, &mut canaries).await;
        resource(world, &tokens).await;
        mistakes(world, &client, &code, &tokens).await;
    }
    service(world, &mut canaries).await;
    over_http_2(world, &confidential).await;
    canaries
}

/// An invitation is opened and accepted.
async fn invited(world: &World, flags: &[&str], canaries: &mut Canaries) {
    let token: &str = &world.invite("eve", flags);
    canaries.add("invitation", token);
    let mut browser = ScriptedBrowser::new(world);
    expect::page(&browser.get(&format!("/set-up?token={token}")).await, 200);
    for (again, status) in [(WRONG_PASSWORD, 422), (CHOSEN_PASSWORD, 200), (CHOSEN_PASSWORD, 400)] {
        let fields =
            [("token", token), ("username", "eve"), ("password", CHOSEN_PASSWORD), ("password_again", again)];
        expect::page(&browser.post("/set-up", &fields).await, status);
    }
}

/// The part of a flow that happens in the browser.
async fn person(world: &World, client: &Client, canaries: &mut Canaries) -> String {
    let challenge = Digest::of(VERIFIER.as_bytes()).to_base64url();
    let request = AuthorizationRequest::of(world, client)
        .with("scope", "read write")
        .with("code_challenge", &challenge);
    let mut browser = ScriptedBrowser::new(world);
    let transaction = browser.start(&request).await;
    canaries.add("transaction", &transaction);
    browser.get(&format!("/login?transaction={transaction}&password={}", "canary+wrong+password")).await;
    expect::page(&browser.try_password(&transaction, USERNAME, WRONG_PASSWORD).await, 401);
    browser.try_password(&transaction, &format!("{USERNAME}\0"), PASSWORD).await;
    browser.post("/login?password=canary+wrong+password", &[("password", PASSWORD)]).await;
    browser.post_from(Some("https://evil.test"), None, ("/login", &[("password", PASSWORD)])).await;
    assert_eq!(browser.try_password(&transaction, USERNAME, PASSWORD).await.status, 303);
    for name in [BROWSER_COOKIE, SESSION_COOKIE] {
        canaries.add(name, browser.cookie(name).expect("the browser has it"));
    }
    browser.get(&format!("/consent?transaction={transaction}")).await;
    let code = expect::code(world, &browser.decide(&transaction, "allow").await);
    canaries.add("code", &code);
    expect::page(&browser.decide(&transaction, "allow").await, 403);
    browser.post("/logout", &[]).await;
    code
}

/// The part of a flow that a client does alone.
async fn program(world: &World, client: &Client, code: &str, canaries: &mut Canaries) -> Tokens {
    let fields = [("code", code), ("code_verifier", VERIFIER)];
    let first = Tokens::of(&world.redeem_with(client, &fields).await);
    let narrow = Tokens::of(&world.refresh_with(client, &first.refresh, &[("scope", "read")]).await);
    let last = Tokens::of(&world.refresh(client, &narrow.refresh).await);
    for tokens in [&first, &narrow, &last] {
        canaries.add("access token", &tokens.access);
        canaries.add("refresh token", &tokens.refresh);
        for token in [&tokens.access, &tokens.refresh] {
            world.as_client("/introspect", client, &[("token", token)]).await;
        }
    }
    last
}

/// The token where it is meant to be used.
async fn resource(world: &World, tokens: &Tokens) {
    let bearer = format!("Bearer {}", tokens.access);
    assert_eq!(world.call("/api/user/profile", &bearer).await.status, 200);
    for body in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_data" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": tokens.access }),
        json!({ "name": tokens.access, "jsonrpc": [] }),
    ] {
        for path in ["/mcp/demo", "/mcp/v1", "/mcp/v1/tools/call", "/api/data/1"] {
            let mut request = http_client::json(path, &body);
            let value = HeaderValue::from_str(&bearer).expect("a token fits into a header");
            request.headers_mut().insert(header::AUTHORIZATION, value);
            assert!(world.send(request).await.status.as_u16() < 500);
        }
    }
}

/// Secrets in the wrong place, and wrong secrets in the right one.
async fn mistakes(world: &World, client: &Client, code: &str, tokens: &Tokens) {
    let secret = client.secret.as_deref().unwrap_or(WRONG_SECRET);
    for target in [
        format!("/api/data?access_token={}", tokens.access),
        format!("/mcp/demo?access_token={}", tokens.access),
        format!("/token?code={code}&client_secret={secret}&refresh_token={}", tokens.refresh),
        format!("/authorize?client_secret={secret}&code_verifier={VERIFIER}&client_id={}", client.id),
        format!("/nowhere/{code}?token={}", tokens.refresh),
        format!("/{}", tokens.access),
    ] {
        for answer in [world.get(&target).await, world.post(&target, &[("client_secret", secret)]).await] {
            assert!(answer.status.is_client_error() || answer.status == 303, "{target}: {answer:?}");
        }
    }
    for header in [
        format!("Basic {}", tokens.access),
        format!("Bearer {}x", tokens.access),
        format!("Bearer {}", tokens.refresh),
        format!("Bearer {code}"),
        format!("Bearer {secret}"),
    ] {
        assert_eq!(world.call("/mcp/demo", &header).await.status, 401);
    }
    let wrong = Client { secret: Some(WRONG_SECRET.to_owned()), ..client.clone() };
    expect::error(&world.refresh(&wrong, &tokens.refresh).await, 401, "invalid_client");
    for header in [basic(&client.id, secret), basic(&client.id, WRONG_SECRET), basic("%ff", secret)] {
        let mut request = http_client::form("/token", &[("refresh_token", &tokens.refresh)]);
        request.headers_mut().insert(header::AUTHORIZATION, header);
        assert!(world.send(request).await.status.is_client_error());
    }
    let odd = [("grant_type", ASSERTION), ("client_assertion", ASSERTION), ("password", PASSWORD)];
    expect::error(&world.token(client, &odd).await, 400, "unsupported_grant_type");
    let json = json!({ "client_secret": secret, "code": code, "grant_type": "authorization_code" });
    for path in ["/token", "/register", "/revoke", "/introspect"] {
        assert!(world.send(http_client::json(path, &json)).await.status.is_client_error(), "{path}");
    }
    let metadata = json!({ "redirect_uris": ["https://good.test/cb"], "client_secret": WRONG_SECRET });
    world.register(&metadata).await;
    let fields = [("code", code), ("code_verifier", VERIFIER)];
    expect::error(&world.redeem_with(client, &fields).await, 400, "invalid_grant");
    expect::error(&world.refresh(client, &tokens.refresh).await, 400, "invalid_grant");
    world.as_client("/revoke", client, &[("token", &tokens.refresh)]).await;
}

/// A client without a person, which authenticates with HTTP Basic.
async fn service(world: &World, canaries: &mut Canaries) {
    let metadata = json!({
        "redirect_uris": ["https://good.test/cb"],
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let client = world.register(&metadata).await;
    canaries.add("service secret", client.secret.as_deref().expect("the client is confidential"));
    let answer = world.token(&client, &[("grant_type", "client_credentials")]).await;
    let access = Tokens::of(&answer).access;
    canaries.add("service token", &access);
    assert!(world.is_accepted(&access).await);
    world.as_client("/revoke", &client, &[("token", &access)]).await;
}

/// The other protocol has another library below it, with a log of its own.
async fn over_http_2(world: &World, client: &Client) {
    let address = world.server.address();
    let stream = TcpStream::connect(address).await.expect("the server accepts connections");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("the server speaks HTTP/2");
    tokio::spawn(connection);
    let secret = client.secret.as_deref().expect("the client is confidential");
    let form = http_client::form("/token", &[("grant_type", "client_credentials"), ("password", PASSWORD)]);
    let (mut head, body) = form.into_parts();
    head.uri = format!("http://{address}/token").parse().expect("the address makes a URL");
    head.headers.insert(header::AUTHORIZATION, basic(&client.id, secret));
    let request: Request<Bytes> = Request::from_parts(head, body);
    let answer = sender.send_request(request.map(http_body_util::Full::new)).await;
    assert_eq!(answer.expect("the server answers").status(), 401);
    let mut request = get(&format!("http://{address}/mcp/demo?access_token={WRONG_SECRET}"));
    let bearer = HeaderValue::from_str(&format!("Bearer {secret}")).expect("a secret fits into a header");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let answer = sender.send_request(request.map(http_body_util::Full::new)).await;
    assert_eq!(answer.expect("the server answers").status(), 400);
}
