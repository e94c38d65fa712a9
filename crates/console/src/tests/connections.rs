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

#[tokio::test]
async fn up_14_what_a_team_shares_is_its_managers_to_connect_and_to_end() {
    let world = World::new().await;
    let mut olga = Browser::of(&world, "olga").await;
    let fields = [("action", "connect"), ("provider", "github"), ("team", "platform")];
    let link = olga.post("/connections", &fields).await.location().to_owned();
    let id = hidden(&olga.get(&link).await, "e");
    olga.connect(&id, "code-1").await;
    let page = olga.get("/connections").await.body;
    assert!(page.contains("<bdi>platform</bdi>") && page.contains("<bdi>ada-l</bdi>"), "{page}");
    let connection = hidden(&olga.get("/connections").await, "connection");

    for (name, team) in [("bob", "platform"), ("ada", "platform"), ("olga", "nobodys"), ("bob", "user:x")] {
        let mut browser = Browser::of(&world, name).await;
        for action in ["connect", "disconnect", "choose"] {
            let fields =
                [("action", action), ("provider", "github"), ("team", team), ("connection", &connection)];
            let answer = browser.post("/connections", &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {team} {action}");
        }
        let fields = [("action", "disconnect"), ("connection", connection.as_str())];
        browser.post("/connections", &fields).await;
        if name != "olga" {
            assert_eq!(browser.get(&link).await.status, StatusCode::FORBIDDEN, "{name}");
            assert!(!browser.get("/connections").await.body.contains("platform"));
        }
    }
    assert!(olga.get("/connections").await.body.contains("<bdi>ada-l</bdi>"), "nobody has ended it");
    let fields = [("action", "disconnect"), ("team", "platform"), ("connection", connection.as_str())];
    olga.post("/connections", &fields).await;
    assert!(!olga.get("/connections").await.body.contains("<bdi>ada-l</bdi>"));
}
