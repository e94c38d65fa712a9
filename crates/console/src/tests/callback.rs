//! What providers send browsers back with.

use axum::http::StatusCode;

use crate::tests::{
    browser::{BROWSER_COOKIE, Browser, callback},
    provider::{ACCESS_TOKEN, REFRESH_TOKEN},
    world::{Answer, ISSUER, World},
};

#[track_caller]
fn is_unused(answer: &Answer) {
    assert_eq!(answer.location(), format!("{ISSUER}/connect"));
}

#[tokio::test]
async fn an_account_is_connected_and_the_address_says_nothing_of_it() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let answer = browser.connect(&link.id, "code-1").await;
    assert_eq!(answer.location(), link.url);
    assert!(answer.body.is_empty());
    let page = browser.get(&link.url).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["is connected", "<strong><bdi>ada-l</bdi></strong>", "id=\"countdown\"", "assets/close."] {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
    assert_eq!(world.provider.redeemed(), ["code-1"]);
    for secret in [ACCESS_TOKEN, REFRESH_TOKEN, "code-1"] {
        assert!(!page.body.contains(secret));
    }
    assert!(!page.body.contains("href=\"https:"), "nothing leads to an app that nobody vouches for");
}

#[tokio::test]
async fn up_10_an_answer_is_used_once() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let url = browser.allow(&link.id).await;
    assert_eq!(browser.come_back(&url, "code-1").await.location(), link.url);
    browser.come_back(&url, "code-2").await;
    assert_eq!(world.provider.redeemed(), ["code-1"]);
    assert!(browser.get(&link.url).await.body.contains("is connected"), "what was done stays done");
}

#[tokio::test]
async fn up_10_answers_to_nothing_are_not_used() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let url = browser.allow(&link.id).await;
    for address in [
        "/connect/callback/github",
        "/connect/callback/github?code=x&state=unknown",
        "/connect/callback/github?code=x",
        "/connect/callback/nobody?code=x&state=unknown",
        "/connect/callback/%2e%2e?code=x&state=unknown",
        "/connect/callback/github?error=access_denied&error_description=%3Cscript%3E&state=unknown",
    ] {
        let answer = browser.get(address).await;
        is_unused(&answer);
    }
    let page = browser.get("/connect").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("This answer cannot be used"), "{}", page.body);
    world.clock.advance(601);
    browser.come_back(&url, "code-1").await;
    assert!(world.provider.redeemed().is_empty(), "ten minutes are over");
}

#[tokio::test]
async fn up_06_another_providers_answer_and_another_issuers_are_refused_without_their_words() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let url = browser.allow(&link.id).await;
    let wrong = callback(&url, &[("code", "code-1"), ("iss", "https://evil.test")]);
    assert_eq!(browser.get(&wrong).await.location(), link.url);
    let page = browser.get(&link.url).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.body.contains("went wrong") && !page.body.contains("evil.test"), "{}", page.body);

    let url = browser.allow(&link.id).await;
    let words = [
        ("error", "server_error"),
        ("error_description", "Call +1 555 to unlock"),
        ("iss", "https://evil.test"),
    ];
    browser.get(&callback(&url, &words)).await;
    let page = browser.get(&link.url).await;
    assert!(!page.body.contains("555") && !page.body.contains("server_error"), "{}", page.body);

    let url = browser.allow(&link.id).await;
    let without_iss = callback(&url, &[("code", "code-2")]);
    browser.get(&without_iss).await;

    let url = browser.allow(&link.id).await;
    let elsewhere = callback(&url, &[("code", "code-3"), ("iss", &world.provider.origin)]);
    browser.get(&elsewhere.replace("/callback/github", "/callback/weather")).await;
    assert!(world.provider.redeemed().is_empty());
    let reasons = ["another_issuer", "another_issuer", "another_issuer", "another_provider"];
    assert_eq!(world.log.refusals(), reasons.map(|reason| ("ada".to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn up_10_a_refusal_is_shown_as_text_and_may_be_tried_again() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let url = browser.allow(&link.id).await;
    let words = [
        ("error", "access_denied"),
        ("error_description", "<script>alert(1)</script> said no"),
        ("iss", &world.provider.origin),
    ];
    assert_eq!(browser.get(&callback(&url, &words)).await.location(), link.url);
    let page = browser.get(&link.url).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("<code>access_denied</code>"), "{}", page.body);
    assert!(page.body.contains("said no") && !page.body.contains("<script"), "{}", page.body);
    assert_eq!(browser.connect(&link.id, "code-1").await.location(), link.url);
    assert!(browser.get(&link.url).await.body.contains("is connected"));
}

#[tokio::test]
async fn up_09_another_browser_and_another_user_cannot_bring_the_answer() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut ada = Browser::of(&world, "ada").await;
    let url = ada.allow(&link.id).await;
    let address = callback(&url, &[("code", "code-1"), ("iss", &world.provider.origin)]);

    let mut nobody = Browser::new(&world);
    is_unused(&nobody.get(&address).await);
    let mut bob = Browser::of(&world, "bob").await;
    is_unused(&bob.get(&address).await);
    let mut ada_elsewhere = Browser::of(&world, "ada").await;
    is_unused(&ada_elsewhere.get(&address).await);
    // Her session, without the cookie of the browser that left.
    let mut stolen = Browser::new(&world);
    stolen.cookies = ada.cookies.clone();
    stolen.cookies.remove(BROWSER_COOKIE);
    is_unused(&stolen.get(&address).await);
    // The cookie of her browser, with a session of his.
    bob.cookies.insert(BROWSER_COOKIE.to_owned(), ada.cookies[BROWSER_COOKIE].clone());
    is_unused(&bob.get(&address).await);
    assert!(world.provider.redeemed().is_empty(), "no code was sent anywhere");
    let refused = [("bob", "another_person"), ("ada", "another_browser"), ("bob", "another_person")];
    let refused = refused.map(|(person, reason)| (person.to_owned(), reason.to_owned()));
    assert_eq!(world.log.refusals(), refused);

    ada.get(&address).await;
    assert_eq!(world.provider.redeemed(), ["code-1"]);
}

#[tokio::test]
async fn a_provider_that_fails_loses_nothing() {
    let world = World::new().await;
    world.provider.fail();
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    assert_eq!(browser.connect(&link.id, "code-1").await.location(), link.url);
    let page = browser.get(&link.url).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.body.contains("Nothing was lost") && !page.body.contains("out of order"), "{}", page.body);
    assert!(page.body.contains("value=\"allow\""), "it can be tried again");
}
