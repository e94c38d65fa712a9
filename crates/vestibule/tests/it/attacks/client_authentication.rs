//! TK-21 to TK-23 and TK-46: proving to be a client.

use http::{HeaderValue, header};
use serde_json::json;

use super::{
    client::{Client, basic},
    expect,
    world::{CALLBACK, World},
};
use crate::http_client::{self, Answer};

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn with_basic(world: &World, header: HeaderValue, fields: &[(&str, &str)]) -> Answer {
    let mut request = http_client::form("/token", fields);
    request.headers_mut().insert(header::AUTHORIZATION, header);
    world.send(request).await
}

#[track_caller]
fn refused(answer: &Answer, with_challenge: bool) {
    expect::error(answer, 401, "invalid_client");
    assert_eq!(answer.header("www-authenticate").is_some(), with_challenge, "{:?}", answer.headers);
}

async fn service(world: &World, method: &str) -> Client {
    let metadata = json!({
        "grant_types": ["client_credentials"],
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": method,
    });
    world.register(&metadata).await
}

#[tokio::test]
async fn tk_21_only_the_registered_method() {
    let world = World::shared();
    let (post, header) =
        (service(&world, "client_secret_post").await, service(&world, "client_secret_basic").await);
    let (post_secret, header_secret) =
        (post.secret.clone().unwrap_or_default(), header.secret.clone().unwrap_or_default());
    assert_eq!(world.token(&post, &CREDENTIALS).await.status, 200);
    assert_eq!(world.token(&header, &CREDENTIALS).await.status, 200);
    refused(&with_basic(&world, basic(&post.id, &post_secret), &CREDENTIALS).await, true);
    let in_body = Client { method: "client_secret_post".to_owned(), ..header.clone() };
    refused(&world.token(&in_body, &CREDENTIALS).await, false);
    let silent = Client { secret: None, ..post.clone() };
    refused(&world.token(&silent, &CREDENTIALS).await, false);
    let crossed = Client { secret: Some(header_secret.clone()), ..post.clone() };
    refused(&world.token(&crossed, &CREDENTIALS).await, false);

    let public = world.public_client().await;
    let talkative = Client { secret: Some(post_secret.clone()), ..public.clone() };
    refused(&world.refresh(&talkative, "vst_rt_x").await, false);
    refused(&with_basic(&world, basic(&public.id, ""), &CREDENTIALS).await, true);

    // Two methods at once, and two names.
    let fields = [CREDENTIALS[0], ("client_secret", header_secret.as_str())];
    expect::error(
        &with_basic(&world, basic(&header.id, &header_secret), &fields).await,
        400,
        "invalid_request",
    );
    let fields = [CREDENTIALS[0], ("client_id", post.id.as_str())];
    expect::error(
        &with_basic(&world, basic(&header.id, &header_secret), &fields).await,
        400,
        "invalid_request",
    );
    let fields = [CREDENTIALS[0], ("client_id", header.id.as_str())];
    assert_eq!(with_basic(&world, basic(&header.id, &header_secret), &fields).await.status, 200);
    for assertion in ["client_assertion", "client_assertion_type"] {
        let fields = [CREDENTIALS[0], ("client_id", post.id.as_str()), (assertion, "e30.e30.")];
        refused(&world.post("/token", &fields).await, false);
    }
}

#[tokio::test]
async fn tk_22_malformed_basic() {
    let world = World::shared();
    let client = service(&world, "client_secret_basic").await;
    let secret = client.secret.clone().unwrap_or_default();
    let encoded = |bytes: &[u8]| {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        format!("Basic {}", BASE64_STANDARD.encode(bytes))
    };
    let values = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        format!("Bearer {secret}"),
        encode_without_colon(&client.id),
        encoded(b":"),
        encoded(b"\xff\xfe:\xff"),
        encoded(b"%ff:%fe"),
        encoded(b"%00:x"),
        encoded(format!(":{secret}").as_bytes()),
        encoded(format!("{}:", client.id).as_bytes()),
        encoded(format!("{}:{secret}\0", client.id).as_bytes()),
        encoded(format!("{}:{secret} ", client.id).as_bytes()),
        encoded(format!("{}%00:{secret}", client.id).as_bytes()),
        encoded(format!("{}:{}", client.id, "x".repeat(10_000)).as_bytes()),
        encoded(format!("{}:x", "x".repeat(20_000)).as_bytes()),
    ];
    for value in values {
        let header = HeaderValue::from_str(&value).expect("the attack fits into a header");
        let answer = with_basic(&world, header, &CREDENTIALS).await;
        assert_eq!(answer.status, 401, "{}", &value[..value.len().min(60)]);
        refused(&answer, true);
    }
    let mut two = http_client::form("/token", &CREDENTIALS);
    for _ in 0..2 {
        two.headers_mut().append(header::AUTHORIZATION, basic(&client.id, &secret));
    }
    expect::error(&world.send(two).await, 400, "invalid_request");
    // RFC 6749 §2.3.1: both are form-encoded first, so an encoded spelling is the same client.
    let id = client.id.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(with_basic(&world, basic(&id, &secret), &CREDENTIALS).await.status, 200);
}

fn encode_without_colon(id: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(id))
}

#[tokio::test]
async fn unknown_clients() {
    let world = World::shared();
    for id in ["unknown", "\0", "' OR 1=1 --", "demo", "https://good.test/client", &"x".repeat(10_000)] {
        let fields = [CREDENTIALS[0], ("client_id", id), ("client_secret", "x")];
        refused(&world.post("/token", &fields).await, false);
        refused(&world.post("/token", &[CREDENTIALS[0], ("client_id", id)]).await, false);
    }
    refused(&world.post("/token", &CREDENTIALS).await, false);
    refused(&world.post("/token", &[CREDENTIALS[0], ("Client_Id", "x")]).await, false);
}

#[tokio::test]
async fn tk_23_secrets_cannot_be_guessed() {
    let world = World::configured("[limits]\nfailed_client_authentications = 3\n");
    let (client, other) =
        (service(&world, "client_secret_post").await, service(&world, "client_secret_post").await);
    let secret = client.secret.clone().unwrap_or_default();
    for guess in [&secret[..secret.len() - 1], "vst_cs_", &secret.to_uppercase()] {
        let guessing = Client { secret: Some(guess.to_owned()), ..client.clone() };
        refused(&world.token(&guessing, &CREDENTIALS).await, false);
    }
    for path in ["/token", "/revoke", "/introspect", "/oauth/token"] {
        let answer =
            world.as_client(path, &client, &[("grant_type", "client_credentials"), ("token", "x")]).await;
        expect::error(&answer, 429, "temporarily_unavailable");
        let seconds: u64 = answer.header("retry-after").unwrap_or_default().parse().expect("seconds");
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(world.token(&other, &CREDENTIALS).await.status, 200, "others go on");
}

#[tokio::test]
async fn tk_46_who_may_act_without_a_person() {
    let world = World::shared();
    let public = world.public_client().await;
    expect::error(&world.token(&public, &CREDENTIALS).await, 400, "unauthorized_client");
    let confidential = world.confidential_client().await;
    expect::error(&world.token(&confidential, &CREDENTIALS).await, 400, "unauthorized_client");
    let service = service(&world, "client_secret_post").await;
    for scope in ["admin", "read admin", "offline_access", "READ", "\"", &"a ".repeat(3_000)] {
        let answer = world.token(&service, &[CREDENTIALS[0], ("scope", scope)]).await;
        expect::error(&answer, 400, "invalid_scope");
    }
    for resource in ["https://evil.test", "/api", world.issuer(), "\0"] {
        let answer = world.token(&service, &[CREDENTIALS[0], ("resource", resource)]).await;
        expect::error(&answer, 400, "invalid_target");
    }
    let (one, two) = (world.resource(), format!("{}/api", world.issuer()));
    let answer = world.token(&service, &[CREDENTIALS[0], ("resource", &one), ("resource", &two)]).await;
    expect::error(&answer, 400, "invalid_target");
    let answer = world.token(&service, &CREDENTIALS).await;
    assert_eq!(answer.json().get("refresh_token"), None, "{}", answer.json());
}
