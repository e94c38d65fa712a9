//! Another account than before.

use axum::http::StatusCode;

use crate::tests::{browser::Browser, world::World};

/// A browser in which `ada-l` is connected, and now another account has come back.
async fn changed(world: &World) -> (Browser<'_>, String) {
    let mut browser = Browser::of(world, "ada").await;
    let first = world.link("github").await;
    browser.connect(&first.id, "code-1").await;
    world.provider.sign_in_as("2002", "analytical-engines");
    let second = world.link("github").await;
    assert_ne!(second.id, first.id);
    browser.connect(&second.id, "code-2").await;
    (browser, second.id)
}

async fn accounts(browser: &mut Browser<'_>) -> Vec<&'static str> {
    let page = browser.get("/connections").await.body;
    ["ada-l", "analytical-engines"]
        .into_iter()
        .filter(|name| page.contains(&format!("<bdi>{name}</bdi>")))
        .collect()
}

#[tokio::test]
async fn up_15_another_account_waits_for_an_answer() {
    let world = World::new().await;
    let (mut browser, id) = changed(&world).await;
    let page = browser.get(&format!("/connect?e={id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["This is another", "<bdi>ada-l</bdi>", "<bdi>analytical-engines</bdi>", "value=\"replace\""]
    {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
    assert_eq!(accounts(&mut browser).await, ["ada-l"], "nothing has changed yet");
    for choice in ["", "both", "Replace"] {
        let answer = browser.post("/connect-account", &[("e", &id), ("choice", choice)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let mut bob = Browser::of(&world, "bob").await;
    let answer = bob.post("/connect-account", &[("e", &id), ("choice", "replace")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(accounts(&mut browser).await, ["ada-l"]);
}

#[tokio::test]
async fn up_15_each_answer_does_what_it_says() {
    for (choice, expected) in [
        ("replace", &["analytical-engines"][..]),
        ("keep", &["ada-l", "analytical-engines"]),
        ("cancel", &["ada-l"]),
    ] {
        let world = World::new().await;
        let (mut browser, id) = changed(&world).await;
        let answer = browser.post("/connect-account", &[("e", &id), ("choice", choice)]).await;
        assert!(answer.location().ends_with(&format!("/connect?e={id}")), "{choice}");
        assert_eq!(accounts(&mut browser).await, expected, "{choice}");
        let page = browser.get(&format!("/connect?e={id}")).await;
        assert_eq!(page.body.contains("is connected"), choice != "cancel", "{choice}: {}", page.body);
    }
}
