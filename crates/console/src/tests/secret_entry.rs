//! Keys that people type in.

use axum::http::StatusCode;

use crate::tests::{browser::Browser, world::World};

const KEY: &str = "weather-key-5f1c9d";

#[tokio::test]
async fn a_key_is_taken_once_and_never_shown() {
    let world = World::new().await;
    let link = world.link("weather").await;
    let mut browser = Browser::of(&world, "ada").await;
    let page = browser.get(&link.url).await;
    assert!(page.body.contains(r#"name="secret" type="password" autocomplete="off""#), "{}", page.body);
    assert!(page.body.contains("<code>https://weather.example/account/keys</code>"));
    let fields = [("e", link.id.as_str()), ("decision", "allow"), ("secret", KEY)];
    assert_eq!(browser.post("/connect", &fields).await.location(), link.url);
    for address in [link.url.as_str(), "/connections"] {
        let page = browser.get(address).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Weather Service") && !page.body.contains(KEY), "{}", page.body);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_asked_for_again_and_not_echoed() {
    let world = World::new().await;
    let link = world.link("weather").await;
    let mut browser = Browser::of(&world, "ada").await;
    let long = "k".repeat(40_000);
    for bad in ["", "with\nnewline-8812", long.as_str()] {
        let fields = [("e", link.id.as_str()), ("decision", "allow"), ("secret", bad)];
        let page = browser.post("/connect", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        assert!(page.body.contains("This cannot be used") && page.body.contains("aria-invalid"));
        assert!(!page.body.contains("newline-8812") && !page.body.contains("kkkkkkkk"));
    }
    let fields = [("e", link.id.as_str()), ("decision", "deny"), ("secret", KEY)];
    assert_eq!(browser.post("/connect", &fields).await.location(), link.url);
    assert!(browser.get(&link.url).await.body.contains("You chose not to connect"));
}
