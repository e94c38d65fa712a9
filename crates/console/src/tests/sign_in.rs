//! Signing in for a page of ours leads to that page, in that browser, and nowhere else.

use axum::http::StatusCode;

use crate::tests::{
    browser::{BROWSER_COOKIE, Browser, SESSION_COOKIE},
    world::{ISSUER, PASSWORD, World},
};

#[tokio::test]
async fn az_30_nothing_in_the_address_of_the_sign_in_page_says_where_it_leads() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let link = world.link("github").await;
    let answer = browser.get(&link.url).await;
    let login = answer.location().to_owned();
    let (path, transaction) = login.split_once("?transaction=vst_pg_").unwrap();
    assert_eq!(path, format!("{ISSUER}/login"));
    assert!(transaction.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert!(!login.contains(&link.id) && !login.contains("connect"));
    let landed = browser.sign_in(&login, "ada").await;
    assert_eq!(landed.location(), link.url);
}

#[tokio::test]
async fn az_30_no_address_of_somebody_elses_is_led_to() {
    let world = World::new().await;
    for page in ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "%2F%2Fevil.test"]
    {
        let mut browser = Browser::new(&world);
        let encoded: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
        let answer = browser.get(&format!("/connect?e={encoded}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}: {}", answer.body);
        for name in ["transaction", "return_to", "next"] {
            let answer = browser.get(&format!("/login?{name}={encoded}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{page}");
        }
    }
}

#[tokio::test]
async fn az_26_another_browser_cannot_use_the_sign_in() {
    let world = World::new().await;
    let mut attacker = Browser::new(&world);
    let login = attacker.get("/connections").await.location().to_owned();
    let transaction = login.split_once("transaction=").unwrap().1.to_owned();
    let fields = [("transaction", transaction.as_str()), ("username", "ada"), ("password", PASSWORD)];

    let mut without_cookie = Browser::new(&world);
    assert_eq!(without_cookie.get(&login).await.status, StatusCode::FORBIDDEN);
    assert_eq!(without_cookie.post("/login", &fields).await.status, StatusCode::FORBIDDEN);
    let mut victim = Browser::new(&world);
    victim.get("/connections").await;
    assert!(victim.cookies.contains_key(BROWSER_COOKIE));
    assert_eq!(victim.post("/login", &fields).await.status, StatusCode::BAD_REQUEST);
    assert!(!victim.cookies.contains_key(SESSION_COOKIE), "nobody is signed in");

    let answer = attacker.post_from(Some("https://evil.test"), Some("cross-site"), "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!attacker.cookies.contains_key(SESSION_COOKIE));
}

#[tokio::test]
async fn a_page_waits_for_ten_minutes_and_a_wrong_password_does_not_end_it() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let login = browser.get("/connections").await.location().to_owned();
    let transaction = login.split_once("transaction=").unwrap().1.to_owned();
    let wrong = [("transaction", transaction.as_str()), ("username", "ada"), ("password", "wrong password")];
    assert_eq!(browser.post("/login", &wrong).await.status, StatusCode::UNAUTHORIZED);
    world.clock.advance(599);
    assert_eq!(browser.get(&login).await.status, StatusCode::OK);
    world.clock.advance(1);
    assert_eq!(browser.get(&login).await.status, StatusCode::BAD_REQUEST);
    let right = [("transaction", transaction.as_str()), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(browser.post("/login", &right).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn az_25_the_session_is_new_and_not_you_ends_it_and_comes_back() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "ada").await;
    let first = browser.cookies[SESSION_COOKIE].clone();
    let link = world.link("github").await;
    let page = browser.get(&link.url).await;
    let transaction = crate::tests::browser::hidden(&page, "transaction");
    let login = browser.post("/logout", &[("transaction", &transaction)]).await;
    assert!(!browser.cookies.contains_key(SESSION_COOKIE));
    let landed = browser.sign_in(login.location(), "ada").await;
    assert_eq!(landed.location(), link.url);
    assert_ne!(browser.cookies[SESSION_COOKIE], first);
    browser.cookies.insert(SESSION_COOKIE.to_owned(), first);
    assert!(browser.get("/connections").await.location().contains("/login?"), "the former session is dead");
}

#[tokio::test]
async fn the_front_page_leads_to_the_connections() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert!(browser.get("/").await.body.contains(r#"<a href="connections">Sign in to see"#));
    let mut browser = Browser::of(&world, "ada").await;
    let page = browser.get("/").await.body;
    assert!(page.contains(r#"<a href="connections">Your connections"#) && page.contains("ada"), "{page}");
    assert!(!page.contains("api/connections"), "the HTTP API is no MCP server");
}
