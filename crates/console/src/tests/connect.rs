//! The page that asks, and its form.

use axum::http::StatusCode;

use crate::tests::{
    browser::{BROWSER_COOKIE, Browser},
    world::World,
};

#[tokio::test]
async fn the_very_person_is_asked_who_wants_what_and_is_sent_on() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "ada").await;
    let link = world.link("github").await;
    let page = browser.get(&link.url).await;
    assert_eq!(page.status, StatusCode::OK);
    let body = &page.body;
    for part in [
        "<strong><bdi>&#60;b&#62;Cursor&#60;/b&#62;</bdi></strong> wants to use your",
        "<code>get_user_repos</code> of <strong><bdi>GitHub tools</bdi></strong>",
        "Unverified app",
        "<code>repo</code>",
        "<code>read:user</code>",
        "never sees your key, password or token",
    ] {
        assert!(body.contains(part), "no {part} in {body}");
    }
    let url = browser.allow(&link.id).await;
    assert_eq!(url.origin().ascii_serialization(), world.provider.origin);
    let one =
        |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    assert_eq!(one("redirect_uri").unwrap(), "http://127.0.0.1:8080/connect/callback/github");
    assert_eq!(one("code_challenge_method").unwrap(), "S256");
    assert!(one("state").unwrap().len() >= 22);
    assert_eq!(one("scope").unwrap(), "read:user repo");
}

#[tokio::test]
async fn co_07_the_page_has_the_headers_of_all_pages_and_only_that_without_a_secret_leads_on() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "ada").await;
    for (provider, form_action) in
        [("github", "form-action 'self' https: http:"), ("weather", "form-action 'self'")]
    {
        let page = browser.get(&world.link(provider).await.url).await;
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with(form_action), "{policy}");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn up_07_a_link_of_another_users_starts_nothing() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut bob = Browser::of(&world, "bob").await;
    let page = bob.get(&link.url).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("This link was made for another user"), "{}", page.body);
    assert!(!page.body.contains("GitHub") && !page.body.contains("ada"), "{}", page.body);
    for decision in ["allow", "deny"] {
        let answer = bob.post("/connect", &[("e", &link.id), ("decision", decision)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{decision}");
    }
    let mut ada = Browser::of(&world, "ada").await;
    assert_eq!(ada.get(&link.url).await.status, StatusCode::OK, "nobody has answered in her place");

    let transaction = crate::tests::browser::hidden(&page, "transaction");
    let login = bob.post("/logout", &[("transaction", &transaction)]).await;
    let landed = bob.sign_in(login.location(), "ada").await;
    assert_eq!(landed.location(), link.url);
}

#[tokio::test]
async fn up_11_the_link_says_nothing_and_whoever_is_not_signed_in_learns_nothing_from_it() {
    let world = World::new().await;
    let link = world.link("github").await;
    assert!(link.id.len() >= 22 && !link.url.contains("ada") && !link.url.contains("user_"), "{}", link.url);
    let mut browser = Browser::new(&world);
    let (known, unknown) = (browser.get(&link.url).await, browser.get("/connect?e=connect_unknown").await);
    assert!(known.location().contains("/login?") && unknown.location().contains("/login?"));
    let mut ada = Browser::of(&world, "ada").await;
    let page = ada.get("/connect?e=connect_unknown").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("This link is no longer open"));
}

#[tokio::test]
async fn co_03_forms_from_elsewhere_decide_nothing() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let forms: [(&str, &[(&str, &str)]); 3] = [
        ("/connect", &[("e", &link.id), ("decision", "allow")]),
        ("/connect-account", &[("e", &link.id), ("choice", "replace")]),
        ("/connections", &[("action", "connect"), ("provider", "github")]),
    ];
    for (path, fields) in forms {
        for (origin, site) in [
            (Some("https://evil.test"), Some("cross-site")),
            (Some("https://evil.test"), None),
            (Some("null"), None),
            (None, Some("same-site")),
            (Some("http://127.0.0.1:8081"), Some("same-site")),
        ] {
            let answer = browser.post_from(origin, site, path, fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {origin:?} {site:?}");
        }
    }
    assert!(browser.get(&link.url).await.body.contains("decision"), "it is still open");
    let answer = browser.get(&format!("/connect?e={}&decision=allow", link.id)).await;
    assert_eq!(answer.status, StatusCode::OK, "a link decides nothing");
}

#[tokio::test]
async fn co_05_without_the_browsers_cookie_nothing_is_begun() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    browser.cookies.remove(BROWSER_COOKIE);
    let answer = browser.post("/connect", &[("e", &link.id), ("decision", "allow")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    browser.get(&link.url).await;
    assert!(browser.cookies.contains_key(BROWSER_COOKIE), "the page names the browser again");
    browser.allow(&link.id).await;
}

#[tokio::test]
async fn not_now_ends_it() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    let answer = browser.post("/connect", &[("e", &link.id), ("decision", "deny")]).await;
    assert_eq!(answer.location(), link.url);
    let page = browser.get(&link.url).await;
    assert!(page.body.contains("You chose not to connect"), "{}", page.body);
    let answer = browser.post("/connect", &[("e", &link.id), ("decision", "allow")]).await;
    assert_eq!(answer.location(), link.url, "nothing leads to the provider any more");
    for decision in ["", "yes", "ALLOW"] {
        let answer = browser.post("/connect", &[("e", &link.id), ("decision", decision)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{decision}");
    }
}

#[tokio::test]
async fn a_link_ends() {
    let world = World::new().await;
    let link = world.link("github").await;
    let mut browser = Browser::of(&world, "ada").await;
    world.clock.advance(2 * 24 * 3600);
    let mut browser_later = Browser::of(&world, "ada").await;
    let page = browser_later.get(&link.url).await;
    assert_eq!(page.status, StatusCode::GONE, "{}", page.body);
    assert!(browser.get(&link.url).await.location().contains("/login?"), "the session has ended meanwhile");
}
