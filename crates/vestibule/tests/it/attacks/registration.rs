//! RG: dynamic registration, tried with what must not be registered.

mod redirect_uris;

use http::{Method, Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{client::AuthorizationRequest, expect, scripted_browser::ScriptedBrowser, world::World};

/// Bodies that are no registration at all, with the code that RFC 7591 §3.2.2 gives them.
fn bodies() -> Vec<(&'static str, Value, &'static str)> {
    let with = |name: &str, value: Value| json!({ "redirect_uris": ["https://good.test/cb"], name: value });
    let mut bodies = vec![
        ("RG-11", with("token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
        (
            "method",
            with("token_endpoint_auth_method", json!("CLIENT_SECRET_BASIC")),
            "invalid_client_metadata",
        ),
        ("method", with("token_endpoint_auth_method", json!("")), "invalid_client_metadata"),
        ("RG-13", with("response_types", json!(["token"])), "invalid_client_metadata"),
        ("RG-13", with("response_types", json!([])), "invalid_client_metadata"),
        ("RG-13", with("grant_types", json!(["refresh_token"])), "invalid_client_metadata"),
        ("RG-13", with("grant_types", json!(["implicit", "password"])), "invalid_client_metadata"),
        ("RG-13", with("grant_types", json!([])), "invalid_client_metadata"),
        ("type", with("redirect_uris", json!("https://good.test/cb")), "invalid_client_metadata"),
        ("type", with("client_name", json!(["a"])), "invalid_client_metadata"),
        ("type", with("scope", json!(["read"])), "invalid_client_metadata"),
        ("scope", with("scope", json!("read\"write")), "invalid_client_metadata"),
        ("scope", with("scope", json!("x".repeat(10_000))), "invalid_client_metadata"),
        ("name", with("client_name", json!("x".repeat(257))), "invalid_client_metadata"),
        ("name", with("client_name", json!("NUL\u{0}")), "invalid_client_metadata"),
        ("name", with("software_version", json!("NUL\u{0}")), "invalid_client_metadata"),
        ("kind", with("application_type", json!("desktop")), "invalid_client_metadata"),
        ("none", json!({}), "invalid_redirect_uri"),
        ("none", json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        ("case", json!({ "Redirect_URIs": ["https://good.test/cb"] }), "invalid_redirect_uri"),
        ("many", json!({ "redirect_uris": vec!["https://good.test/cb"; 17] }), "invalid_redirect_uri"),
        ("not an object", json!([{ "redirect_uris": ["https://good.test/cb"] }]), "invalid_client_metadata"),
        ("not an object", json!([["https://good.test/cb"]]), "invalid_client_metadata"),
        ("not an object", json!([["https://good.test/cb"], "none"]), "invalid_client_metadata"),
        ("not an object", json!(null), "invalid_client_metadata"),
        ("not an object", json!("x"), "invalid_client_metadata"),
    ];
    let mut public = with("token_endpoint_auth_method", json!("none"));
    public["grant_types"] = json!(["authorization_code", "client_credentials"]);
    bodies.push(("RG-13", public, "invalid_client_metadata"));
    for name in ["logo_uri", "client_uri", "tos_uri", "policy_uri", "jwks_uri"] {
        for uri in [
            "javascript:alert(1)",
            "http://169.254.169.254",
            "https://169.254.169.254/latest/meta-data",
            "https://2852039166/",
            "https://[::1]/",
            "https://localhost/",
            "file:///etc/passwd",
            "data:image/svg+xml,x",
            "https://user@good.test/",
            "https://:password@good.test/",
            "//good.test/logo.png",
        ] {
            bodies.push(("RG-10", with(name, json!(uri)), "invalid_client_metadata"));
        }
    }
    bodies
}

#[tokio::test]
async fn rg_10_to_13_metadata_that_is_refused() {
    let world = World::alone();
    let before = world.database().contents();
    for (row, body, error) in bodies() {
        let answer = world.try_to_register(&body).await;
        assert_eq!(answer.status, 400, "{row}: {body} was accepted");
        expect::error(&answer, 400, error);
    }
    assert_eq!(world.database().contents(), before);
}

#[tokio::test]
async fn bytes_that_are_no_json() {
    let world = World::alone();
    let before = world.database().contents();
    let good = r#"{"redirect_uris":["https://good.test/cb"]"#;
    let bodies: [(Vec<u8>, u16); 10] = [
        (Vec::new(), 400),
        (b"\0".to_vec(), 400),
        (b"redirect_uris=https://good.test/cb".to_vec(), 400),
        (b"{\"redirect_uris\":[\"https://good.test/cb\"],\"client_name\":\"\xff\"}".to_vec(), 400),
        (format!(r#"{good},"redirect_uris":["https://evil.test/cb"]}}"#).into_bytes(), 400),
        (format!(r#"{good},"redirect\u005furis":["https://evil.test/cb"]}}"#).into_bytes(), 400),
        (format!("{good}}}x").into_bytes(), 400),
        (format!(r#"{good},"x":{}"#, "[".repeat(5_000)).into_bytes(), 400),
        (format!(r#"{good},"client_name":"\ud800"}}"#).into_bytes(), 400),
        (format!(r#"{good},"x":"{}"}}"#, "x".repeat(17 * 1024)).into_bytes(), 413),
    ];
    for (body, status) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let request = Request::post("/register").header(header::CONTENT_TYPE, "application/json");
        let answer = world.send(request.body(body.into()).expect("the request is valid")).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}");
        expect::error(
            &answer,
            status,
            if status == 413 { "invalid_request" } else { "invalid_client_metadata" },
        );
    }
    assert_eq!(world.database().contents(), before);
}

#[tokio::test]
async fn rg_07_and_09_what_a_client_says_of_itself_is_shown_as_a_claim() {
    let world = World::shared();
    for (name, uri, shown) in [
        ("Claude", "https://claude.evil.test/cb", "claude.evil.test"),
        ("Vestibule", "https://xn--80ak6aa92e.com/cb", "xn--80ak6aa92e.com"),
        ("<img src=x onerror=alert(1)>", "https://good.test/cb", "good.test"),
        ("Evil\u{202e}lliw\u{200b}", "https://good.test/cb", "good.test"),
        ("{{7*7}}</h1>", "https://good.test:8443/cb", "good.test:8443"),
    ] {
        let client = world
            .register(&json!({
                "redirect_uris": [uri],
                "client_name": name,
                "logo_uri": "https://tracker.evil.test/logo.png",
                "token_endpoint_auth_method": "none",
            }))
            .await;
        assert_eq!(client.redirect_uri, uri);
        let mut browser = ScriptedBrowser::new(&world);
        let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
        let page = browser.get(&format!("/consent?transaction={transaction}")).await;
        expect::page(&page, 200);
        let html = String::from_utf8_lossy(&page.body);
        assert!(html.contains("Unverified app") && html.contains(&format!("<code>{shown}</code>")), "{html}");
        assert!(!html.contains("tracker.evil.test") && !html.contains("<img"), "{html}");
        assert!(!html.contains(['\u{202e}', '\u{200b}']), "{html}");
        assert_eq!(html.contains("It may imitate a name you know"), shown.starts_with("xn--"), "{html}");
    }
}

#[tokio::test]
async fn rg_13_the_response_tells_what_is_in_force() {
    let world = World::shared();
    let answer = world
        .try_to_register(&json!({
            "redirect_uris": ["https://good.test/cb"],
            "grant_types": [
                "authorization_code", "refresh_token", "implicit", "password",
                "urn:ietf:params:oauth:grant-type:token-exchange",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ],
            "response_types": ["code", "token", "id_token"],
            "token_endpoint_auth_method": "none",
            "client_id": "chosen",
            "client_secret": "chosen",
            "introspects": ["https://other.test"],
            "origin": "operator",
        }))
        .await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (201, Some("no-store")));
    let registered = answer.json();
    assert_eq!(registered["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(registered["response_types"], json!(["code"]));
    assert_ne!(registered["client_id"], "chosen");
    assert_eq!(registered.get("client_secret"), None);
    assert_eq!(registered.get("introspects"), None);
}

#[tokio::test]
async fn rg_14_registrations_are_bounded() {
    let metadata = json!({ "redirect_uris": ["https://good.test/cb"] });
    let world = World::configured("[limits]\nregistrations_per_address = 3\n");
    for _ in 0..3 {
        world.register(&metadata).await;
    }
    let refused = world.try_to_register(&metadata).await;
    expect::error(&refused, 429, "temporarily_unavailable");
    let seconds: u64 =
        refused.header("retry-after").unwrap_or_default().parse().expect("a number of seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(world.database().count("clients", "true"), 3);

    let world = World::configured("[limits]\nregistrations = 1\n");
    world.register(&metadata).await;
    expect::error(&world.try_to_register(&metadata).await, 429, "temporarily_unavailable");

    let world = World::configured("[registration]\nmaximum_clients = 2\n");
    world.register(&metadata).await;
    world.register(&metadata).await;
    let refused = world.try_to_register(&metadata).await;
    expect::error(&refused, 503, "temporarily_unavailable");
    assert_eq!(world.database().count("clients", "true"), 2);
    assert_eq!(world.database().count("clients", "expires_at IS NULL"), 0, "all are in quarantine");
}

#[tokio::test]
async fn rg_14_a_client_that_nobody_granted_anything_is_forgotten() {
    let world = World::shared();
    let client = world.public_client().await;
    world.database().execute(&format!("UPDATE clients SET expires_at = 1 WHERE id = '{}'", client.id));
    let mut browser = ScriptedBrowser::new(&world);
    let answer = browser.get(&AuthorizationRequest::of(&world, &client).target()).await;
    expect::error_page(&answer, 400, &client.id);
    let answer = world.refresh(&client, "vst_rt_x").await;
    expect::error(&answer, 401, "invalid_client");
}

#[tokio::test]
async fn rg_15_a_registration_cannot_be_read_or_changed() {
    let world = World::shared();
    let client = world.confidential_client().await;
    let secret = client.secret.clone().unwrap_or_default();
    for path in [format!("/register/{}", client.id), "/register/unknown".to_owned()] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST, Method::PATCH] {
            for token in [None, Some(secret.as_str())] {
                let mut request = Request::builder().method(&method).uri(&path);
                if let Some(token) = token {
                    request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
                }
                let answer = world.send(request.body(Bytes::new()).expect("the request is valid")).await;
                assert_eq!((answer.status.as_u16(), &answer.body[..]), (404, &b""[..]), "{method} {path}");
            }
        }
    }
}
