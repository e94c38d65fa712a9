//! TK-39 to TK-42: requests that are none.

use http::{Method, Request, header};
use hyper::body::Bytes;
use serde_json::json;

use super::{client::VERIFIER, expect, world::World};
use crate::http_client::{self, Answer};

const FORM: &str = "application/x-www-form-urlencoded";

async fn send(world: &World, target: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let request = Request::post(target).header(header::CONTENT_TYPE, content_type);
    world.send(request.body(body.into()).expect("the request is valid")).await
}

#[tokio::test]
async fn tk_39_only_a_form_with_each_parameter_once() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("client_id", &client.id),
        ])
        .finish();
    let as_json = json!({
        "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "client_id": client.id,
    });
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencodedx",
        "",
    ] {
        expect::error(&send(&world, "/token", content_type, body.clone()).await, 400, "invalid_request");
        expect::error(
            &send(&world, "/token", content_type, as_json.to_string()).await,
            400,
            "invalid_request",
        );
    }
    let untyped = Request::post("/token").body(body.clone().into()).expect("the request is valid");
    expect::error(&world.send(untyped).await, 400, "invalid_request");
    let typed_twice = Request::post("/token")
        .header(header::CONTENT_TYPE, FORM)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.clone().into());
    expect::error(&world.send(typed_twice.expect("the request is valid")).await, 400, "invalid_request");

    for target in
        [format!("/token?{body}"), "/token?x".to_owned(), "/token?grant_type=refresh_token".to_owned()]
    {
        expect::error(&send(&world, &target, FORM, body.clone()).await, 400, "invalid_request");
        expect::error(&send(&world, &target, FORM, "").await, 400, "invalid_request");
    }
    for repeated in ["grant_type", "code", "client_id", "code_verifier", "unknown"] {
        let twice = format!("{body}&{repeated}=x&{repeated}=x");
        expect::error(&send(&world, "/token", FORM, twice).await, 400, "invalid_request");
    }
    for broken in
        ["%ff=x", "x=%ff", "%", "=", "&&&&", "\0\0", "grant_type[]=refresh_token", "Grant_Type=refresh_token"]
    {
        expect::error(&send(&world, "/token", FORM, broken).await, 400, "invalid_request");
    }
    assert_eq!(send(&world, "/token", FORM, body).await.status, 200, "the code has survived all this");
}

#[tokio::test]
async fn tk_39_unknown_grants() {
    let world = World::shared();
    let client = world.confidential_client().await;
    for grant in [
        "password",
        "implicit",
        "AUTHORIZATION_CODE",
        "authorization_code ",
        "authorization_code\0",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
    ] {
        let fields = [("grant_type", grant), ("username", "demo"), ("password", "x"), ("assertion", "x")];
        expect::error(&world.token(&client, &fields).await, 400, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn tk_41_large_requests_are_cut_off() {
    let world = World::shared();
    let client = world.public_client().await;
    let id = format!("client_id={}&grant_type=refresh_token&refresh_token=x", client.id);
    let long_scope = format!("{id}&scope={}", "x".repeat(50_000));
    expect::error(&send(&world, "/token", FORM, long_scope).await, 400, "invalid_grant");
    let large = format!("{id}&scope={}", "x".repeat(64 * 1024));
    for path in ["/token", "/revoke", "/introspect", "/oauth/token"] {
        expect::error(&send(&world, path, FORM, large.clone()).await, 413, "invalid_request");
        let many = (0..10_000).map(|number| format!("&p{number}")).collect::<Vec<_>>().concat();
        expect::error(&send(&world, path, FORM, format!("{id}{many}")).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn tk_42_every_answer_is_json_that_nobody_keeps() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let answer = world.redeem(&client, &code).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        (Some("no-store"), Some("no-cache"))
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("server"), None);
    for path in ["/token", "/introspect", "/revoke", "/register"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
            for path in [path.to_owned(), format!("/oauth{path}")] {
                let request =
                    Request::builder().method(&method).uri(&path).header("x-http-method-override", "POST");
                let answer = world.send(request.body(Bytes::new()).expect("the request is valid")).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
            }
        }
    }
}

/// Whatever is wrong with a code, the client reads the same.
#[tokio::test]
async fn tk_42_no_oracle() {
    let world = World::shared();
    let (client, other) = (world.public_client().await, world.public_client().await);
    let code = world.code(&client, "read").await;
    let unknown = world.redeem(&client, "vst_ac_AAAA").await.body;
    assert_eq!(world.redeem(&other, &code).await.body, unknown, "another client's");
    let wrong = [("code", code.as_str()), ("code_verifier", &VERIFIER.replace('d', "e"))];
    assert_eq!(world.redeem_with(&client, &wrong).await.body, unknown, "a wrong verifier");
    assert_eq!(world.redeem(&client, &code).await.body, unknown, "burnt");

    let unknown = world.post("/token", &[("grant_type", "refresh_token"), ("client_id", "unknown")]).await;
    let confidential = world.confidential_client().await;
    let fields =
        [("grant_type", "refresh_token"), ("client_id", confidential.id.as_str()), ("client_secret", "x")];
    let wrong = world.send(http_client::form("/token", &fields)).await;
    assert_eq!((wrong.status, &wrong.body), (unknown.status, &unknown.body));
}
