//! AZ-01 to AZ-34: requests that a known client must not make.

use http::{Request, header};

use super::{
    client::{AuthorizationRequest, CHALLENGE},
    expect,
    scripted_browser::{ScriptedBrowser, transaction},
    world::{CALLBACK, World},
};

type Change = fn(AuthorizationRequest) -> AuthorizationRequest;

const ROWS: [(&str, Change, &str); 48] = [
    ("AZ-01 absent", |request| request.without("code_challenge"), "invalid_request"),
    ("AZ-01 empty", |request| request.with("code_challenge", ""), "invalid_request"),
    ("AZ-02 plain", |request| request.with("code_challenge_method", "plain"), "invalid_request"),
    ("AZ-02 absent", |request| request.without("code_challenge_method"), "invalid_request"),
    ("AZ-02 case", |request| request.with("code_challenge_method", "s256"), "invalid_request"),
    ("AZ-02 other", |request| request.with("code_challenge_method", "S257"), "invalid_request"),
    ("AZ-02 none", |request| request.with("code_challenge_method", "none"), "invalid_request"),
    ("AZ-02 space", |request| request.with("code_challenge_method", "S256 "), "invalid_request"),
    ("AZ-03 42", |request| request.with("code_challenge", &CHALLENGE[1..]), "invalid_request"),
    ("AZ-03 44", |request| request.with("code_challenge", &format!("{CHALLENGE}a")), "invalid_request"),
    ("AZ-03 129", |request| request.with("code_challenge", &"a".repeat(129)), "invalid_request"),
    ("AZ-03 padded", |request| request.with("code_challenge", &format!("{CHALLENGE}=")), "invalid_request"),
    ("AZ-03 plus", |request| request.with("code_challenge", &CHALLENGE.replace('-', "+")), "invalid_request"),
    ("AZ-03 unicode", |request| request.with("code_challenge", &"ä".repeat(43)), "invalid_request"),
    (
        "AZ-03 NUL",
        |request| request.with("code_challenge", &format!("{}\0", &CHALLENGE[1..])),
        "invalid_request",
    ),
    (
        "AZ-03 spare bits",
        |request| request.with("code_challenge", &format!("{}9", &CHALLENGE[..42])),
        "invalid_request",
    ),
    ("AZ-13 unknown", |request| request.with("resource", "https://other.test/mcp"), "invalid_target"),
    ("AZ-13 fragment", |request| request.with("resource", "http://127.0.0.1/mcp#f"), "invalid_target"),
    ("AZ-13 relative", |request| request.with("resource", "/mcp/demo"), "invalid_target"),
    ("AZ-13 no URI", |request| request.with("resource", "\0"), "invalid_target"),
    ("AZ-13 two", |request| request.and("resource", "http://127.0.0.1/api"), "invalid_target"),
    ("AZ-13 issuer", |request| request.with("resource", "http://127.0.0.1"), "invalid_target"),
    ("AZ-31 request", |request| request.and("request", "e30.e30."), "request_not_supported"),
    (
        "AZ-31 request_uri",
        |request| request.and("request_uri", "https://169.254.169.254/r"),
        "request_uri_not_supported",
    ),
    (
        "AZ-31 pushed",
        |request| request.and("request_uri", "urn:ietf:params:oauth:request_uri:x"),
        "request_uri_not_supported",
    ),
    ("AZ-34 quote", |request| request.with("scope", "read\"write"), "invalid_scope"),
    ("AZ-34 backslash", |request| request.with("scope", "read\\write"), "invalid_scope"),
    ("AZ-34 unicode", |request| request.with("scope", "réad"), "invalid_scope"),
    ("AZ-34 NUL", |request| request.with("scope", "read\0"), "invalid_scope"),
    ("AZ-34 line", |request| request.with("scope", "read\nwrite"), "invalid_scope"),
    ("AZ-34 unknown", |request| request.with("scope", "read admin"), "invalid_scope"),
    ("AZ-34 case", |request| request.with("scope", "READ"), "invalid_scope"),
    ("AZ-34 long", |request| request.with("scope", &"x".repeat(4_000)), "invalid_scope"),
    ("AZ-34 many", |request| request.with("scope", &"a ".repeat(2_000)), "invalid_scope"),
    ("implicit", |request| request.with("response_type", "token"), "unsupported_response_type"),
    ("hybrid", |request| request.with("response_type", "code token"), "unsupported_response_type"),
    ("id_token", |request| request.with("response_type", "code id_token"), "unsupported_response_type"),
    ("case", |request| request.with("response_type", "CODE"), "unsupported_response_type"),
    ("no type", |request| request.without("response_type"), "invalid_request"),
    ("fragment mode", |request| request.and("response_mode", "fragment"), "invalid_request"),
    ("form mode", |request| request.and("response_mode", "form_post"), "invalid_request"),
    ("two types", |request| request.and("response_type", "token"), "invalid_request"),
    ("two scopes", |request| request.and("scope", "write"), "invalid_request"),
    ("two challenges", |request| request.and("code_challenge", CHALLENGE), "invalid_request"),
    ("two methods", |request| request.and("code_challenge_method", "plain"), "invalid_request"),
    ("two unknown", |request| request.and("unknown", "1").and("unknown", "2"), "invalid_request"),
    ("prompt none login", |request| request.and("prompt", "none login"), "invalid_request"),
    ("prompt NUL", |request| request.and("prompt", "login\0"), "invalid_request"),
];

#[tokio::test]
async fn az_01_to_34_the_client_is_told_and_nothing_is_kept() {
    let world = World::alone();
    let clients = [world.public_client().await, world.confidential_client().await];
    let before = world.database().contents();
    for client in &clients {
        for (row, change, error) in ROWS {
            let request = change(AuthorizationRequest::of(&world, client));
            let answer = ScriptedBrowser::new(&world).get(&request.target()).await;
            assert_eq!(answer.status, 303, "{row}: {}", String::from_utf8_lossy(&answer.body));
            assert!(answer.headers.get("set-cookie").is_none(), "{row}");
            expect::error_response(&world, &answer, CALLBACK, error);
        }
    }
    assert_eq!(world.database().contents(), before);
}

#[tokio::test]
async fn az_13_resources_are_compared_byte_by_byte() {
    let world = World::shared();
    let client = world.public_client().await;
    let known = world.resource();
    for other in [
        format!("{known}/"),
        format!("{known}?x=1"),
        format!("{known}#"),
        format!("{known}-evil"),
        known.replace("/mcp/demo", "/MCP/demo"),
        known.replace("/mcp/demo", "/mcp/%64emo"),
        known.replace("/mcp/demo", "/mcp/x/../demo"),
        known.replace("http://", "http://user@"),
        known.replace("127.0.0.1", "localhost"),
    ] {
        let request = AuthorizationRequest::of(&world, &client).with("resource", &other);
        let answer = ScriptedBrowser::new(&world).get(&request.target()).await;
        expect::error_response(&world, &answer, CALLBACK, "invalid_target");
    }
    let mut fifty = AuthorizationRequest::of(&world, &client);
    for _ in 0..49 {
        fifty = fifty.and("resource", &known);
    }
    let answer = ScriptedBrowser::new(&world).get(&fifty.target()).await;
    expect::error_response(&world, &answer, CALLBACK, "invalid_target");
}

#[tokio::test]
async fn az_14_without_a_resource_the_token_is_for_the_default_one() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client).without("resource");
    let code = ScriptedBrowser::new(&world).allow(&request).await;
    let tokens = super::world::Tokens::of(&world.redeem(&client, &code).await);
    let claims = super::forger::claims(&tokens.access);
    assert_eq!(claims["aud"], world.resource(), "one audience, not all: {claims}");
}

#[tokio::test]
async fn az_33_long_and_odd_requests() {
    let world = World::alone();
    let client = world.public_client().await;
    let before = world.database().contents();
    let request = AuthorizationRequest::of(&world, &client);
    let mut browser = ScriptedBrowser::new(&world);
    expect::error_page(&browser.get(&request.with("state", &"x".repeat(9_000)).target()).await, 414, "xxxx");
    let mut many = request.clone();
    for number in 0..200 {
        many = many.and(&format!("p{number}"), "1");
    }
    expect::error_page(&browser.get(&many.target()).await, 400, "p199");
    expect::error_page(&browser.get(&format!("{}&x=%ff", request.target())).await, 400, "%ff");
    let mebibyte = world.get(&request.with("state", &"x".repeat(60_000)).target()).await;
    assert_eq!(mebibyte.status, 414);
    for control in ["a\u{0}b", "a\r\nSet-Cookie: x=y", "a\u{7f}", "\u{202e}", "ü"] {
        let answer = browser.get(&request.with("state", control).target()).await;
        let parameters = expect::response(&world, &answer, CALLBACK);
        assert_eq!(parameters["error"], "invalid_request");
        assert_eq!(parameters["state"], control, "the state comes back as it was sent");
    }
    assert_eq!(world.database().contents(), before);
}

#[tokio::test]
async fn az_15_and_33_a_state_comes_back_byte_for_byte() {
    let world = World::shared();
    let client = world.public_client().await;
    for state in ["<script>alert(1)</script>", "a+b%20c&d=e;f#g", "\"'`\\", &"x".repeat(6_000)] {
        let request = AuthorizationRequest::of(&world, &client).with("state", state);
        let mut browser = ScriptedBrowser::new(&world);
        let transaction = browser.sign_in(&request).await;
        let answer = browser.decide(&transaction, "deny").await;
        let parameters = expect::response(&world, &answer, CALLBACK);
        assert_eq!((parameters["error"].as_str(), parameters["state"].as_str()), ("access_denied", state));
    }
    let request = AuthorizationRequest::of(&world, &client).without("state");
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&request).await;
    let parameters = expect::response(&world, &browser.decide(&transaction, "allow").await, CALLBACK);
    assert_eq!(parameters.keys().map(String::as_str).collect::<Vec<_>>(), ["code", "iss"]);
}

#[tokio::test]
async fn the_request_may_come_as_a_form_and_is_judged_alike() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let post = |body: String, target: &str, method_override: bool| {
        let mut request =
            Request::post(target).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if method_override {
            request = request.header("x-http-method-override", "GET");
        }
        request.body(body.into()).expect("the request is valid")
    };
    let mut browser = ScriptedBrowser::new(&world);
    let answer = browser.send(post(request.encoded(), "/authorize", false)).await;
    assert!(!transaction(&answer).is_empty());
    let invalid = request.without("code_challenge").encoded();
    let answer = browser.send(post(invalid, "/authorize", true)).await;
    expect::error_response(&world, &answer, CALLBACK, "invalid_request");
    let answer = browser.send(post(String::new(), &request.target(), true)).await;
    expect::error_page(&answer, 400, CALLBACK);
    let answer = browser.send(post("x".repeat(9_000), "/authorize", false)).await;
    expect::error_page(&answer, 413, "xxx");
    let answer = browser.send(post("x".repeat(100_000), "/authorize", false)).await;
    expect::error_page(&answer, 413, "xxx");
}

#[tokio::test]
async fn a_flood_of_requests_is_no_flood_of_rows() {
    let world = World::configured("[limits]\nauthorization_requests_per_address = 3\n");
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    for _ in 0..3 {
        ScriptedBrowser::new(&world).start(&request).await;
    }
    let answer = ScriptedBrowser::new(&world).get(&request.target()).await;
    expect::error_page(&answer, 429, CALLBACK);
    let seconds: u64 = answer.header("retry-after").unwrap_or_default().parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(world.database().count("authorization_requests", "true"), 3);
}
