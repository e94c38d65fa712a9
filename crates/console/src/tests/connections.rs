//! The page of somebody's connections.

use axum::http::StatusCode;

use crate::tests::{
    browser::{Browser, hidden},
    provider::{ACCESS_TOKEN, REFRESH_TOKEN},
    world::World,
};

#[tokio::test]
async fn it_lists_what_there_is_and_leads_to_what_there_is_not() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "ada").await;
    let page = browser.get("/connections").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body.matches("value=\"connect\"").count(), 2, "{}", page.body);
    let answer = browser.post("/connections", &[("action", "connect"), ("provider", "github")]).await;
    let link = answer.location().to_owned();
    let asked = browser.get(&link).await;
    assert!(asked.body.contains("Connect your <strong><bdi>GitHub</bdi></strong> account"), "{}", asked.body);
    let id = hidden(&asked, "e");
    browser.connect(&id, "code-1").await;

    world.clock.advance(3 * 3600);
    let page = browser.get("/connections").await.body;
    for part in ["<bdi>ada-l</bdi>", "<code class=\"scope\">repo</code>", "3 hours ago", "Works", "Not yet"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains(ACCESS_TOKEN) && !page.contains(REFRESH_TOKEN));
}

#[tokio::test]
async fn only_ones_own_are_seen_and_ended() {
    let world = World::new().await;
    let mut ada = Browser::of(&world, "ada").await;
    let link = world.link("github").await;
    ada.connect(&link.id, "code-1").await;
    let connection = hidden(&ada.get("/connections").await, "connection");

    let mut bob = Browser::of(&world, "bob").await;
    assert!(!bob.get("/connections").await.body.contains("ada-l"));
    bob.post("/connections", &[("action", "disconnect"), ("connection", &connection)]).await;
    assert!(ada.get("/connections").await.body.contains("ada-l"), "bob has ended nothing");

    for _ in 0..2 {
        let fields = [("action", "disconnect"), ("connection", connection.as_str())];
        let answer = ada.post("/connections", &fields).await;
        assert!(answer.location().ends_with("/connections"));
    }
    assert!(!ada.get("/connections").await.body.contains("ada-l"));
}

#[tokio::test]
async fn odd_forms_do_nothing() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "ada").await;
    for fields in [
        &[("action", "connect"), ("provider", "nobody")][..],
        &[("action", "connect"), ("provider", "../x")],
        &[("action", "connect")],
        &[("action", "")],
        &[],
    ] {
        let answer = browser.post("/connections", fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields:?}");
    }
    let mut nobody = Browser::new(&world);
    assert!(nobody.get("/connections").await.location().contains("/login?transaction=vst_pg_"));
    let fields = [("action", "connect"), ("provider", "github")];
    assert!(nobody.post("/connections", &fields).await.location().contains("/login?"));
}
