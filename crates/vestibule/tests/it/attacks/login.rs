//! AZ-25 to AZ-30: signing in.

use std::time::{Duration, Instant};

use super::{
    client::AuthorizationRequest,
    expect,
    scripted_browser::{BROWSER_COOKIE, SESSION_COOKIE, ScriptedBrowser},
    world::World,
};
use crate::server::{PASSWORD, USERNAME};

#[tokio::test]
async fn az_25_the_session_is_new_with_every_sign_in_and_the_old_one_is_dead() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client).with("prompt", "login");
    let mut attacker = ScriptedBrowser::new(&world);
    attacker.sign_in(&request).await;
    let planted = attacker.cookie(SESSION_COOKIE).expect("a session has begun").to_owned();

    let mut victim = ScriptedBrowser::new(&world);
    victim.set_cookie(SESSION_COOKIE, &planted);
    let transaction = victim.sign_in(&request).await;
    let own = victim.cookie(SESSION_COOKIE).expect("a session has begun").to_owned();
    assert_ne!(own, planted);
    expect::page(&victim.get(&format!("/consent?transaction={transaction}")).await, 200);
    victim.set_cookie(SESSION_COOKIE, &planted);
    let answer = victim.get(&format!("/consent?transaction={transaction}")).await;
    assert!(expect::see_other(&answer).contains("/login?"), "the planted session is dead");
}

#[tokio::test]
async fn az_25_a_cookie_of_our_form_that_is_nobodys_is_not_adopted() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut attacker = ScriptedBrowser::new(&world);
    attacker.sign_in(&request).await;
    // The browser's own cookie is not the session's, and neither is a made-up one.
    let browser_cookie = attacker.cookie(BROWSER_COOKIE).expect("a browser has a name").to_owned();
    for planted in [browser_cookie.as_str(), "vst_se_x", "", "null", &"A".repeat(4_000)] {
        let mut victim = ScriptedBrowser::new(&world);
        victim.set_cookie(SESSION_COOKIE, planted);
        let answer = victim.get(&request.target()).await;
        assert!(expect::see_other(&answer).contains("/login?"), "{planted}");
    }
}

#[tokio::test]
async fn az_26_nobody_is_signed_in_by_another_site() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut victim = ScriptedBrowser::new(&world);
    let transaction = victim.start(&request).await;
    let fields = [("transaction", transaction.as_str()), ("username", USERNAME), ("password", PASSWORD)];
    for (origin, site) in [
        (Some("https://evil.test"), Some("cross-site")),
        (Some("https://evil.test"), None),
        (Some("null"), None),
        (None, Some("cross-site")),
        (None, Some("same-site")),
        (Some(world.issuer()), Some("cross-site")),
    ] {
        let answer = victim.post_from(origin, site, ("/login", &fields)).await;
        expect::error_page(&answer, 403, USERNAME);
        assert_eq!(victim.cookie(SESSION_COOKIE), None);
    }
    // The attacker's own transaction does not help: it belongs to the attacker's browser.
    let theirs = ScriptedBrowser::new(&world).start(&request).await;
    let answer = victim.try_password(&theirs, USERNAME, PASSWORD).await;
    expect::error_page(&answer, 403, USERNAME);
}

#[tokio::test]
async fn az_26_a_password_in_a_url_signs_nobody_in() {
    let world = World::shared();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
    let url =
        format!("/login?transaction={transaction}&username={USERNAME}&password=correct+horse+battery+staple");
    let page = browser.get(&url).await;
    expect::page(&page, 200);
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
    let answer = browser.post(&url, &[("transaction", &transaction)]).await;
    expect::error(&answer, 400, "invalid_request");
}

#[tokio::test]
async fn az_29_known_and_unknown_users_look_alike() {
    let world = World::shared();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..3 {
        let mut bodies = Vec::new();
        for (fastest, name) in fastest.iter_mut().zip([USERNAME, "nemo"]) {
            let started = Instant::now();
            let answer = browser.try_password(&transaction, name, "wrong password").await;
            *fastest = started.elapsed().min(*fastest);
            expect::page(&answer, 401);
            assert!(!String::from_utf8_lossy(&answer.body).contains("wrong password"));
            bodies.push(String::from_utf8_lossy(&answer.body).replace(name, "NAME"));
        }
        assert_eq!(bodies[0], bodies[1]);
    }
    let [known, unknown] = fastest;
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} {unknown:?}");
}

#[tokio::test]
async fn az_29_hostile_names_and_passwords_are_wrong_credentials() {
    let world = World::alone();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
    let before = world.database().contents();
    for (name, password) in [
        ("demo\0", PASSWORD),
        ("DEMO", PASSWORD),
        ("demo ", PASSWORD),
        ("' OR 1=1 --", "x"),
        ("<script>alert(1)</script>", "x"),
        ("", ""),
        (USERNAME, ""),
        (USERNAME, "correct horse battery staple\0"),
        (USERNAME, &"x".repeat(50_000)),
    ] {
        let answer = browser.try_password(&transaction, name, password).await;
        expect::page(&answer, 401);
        assert_eq!(browser.cookie(SESSION_COOKIE), None, "{name:?}");
    }
    assert_eq!(world.database().contents(), before);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_this_user_and_this_address() {
    let world = World::configured("[limits]\nfailed_logins = 3\n");
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
    for _ in 0..3 {
        expect::page(&browser.try_password(&transaction, USERNAME, "wrong").await, 401);
    }
    for password in ["wrong", PASSWORD] {
        let answer = browser.try_password(&transaction, USERNAME, password).await;
        expect::page(&answer, 429);
        let seconds: u64 = answer.header("retry-after").unwrap_or_default().parse().expect("seconds");
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(browser.cookie(SESSION_COOKIE), None);
    }
    expect::page(&browser.try_password(&transaction, "nemo", "wrong").await, 401);
}

#[tokio::test]
async fn az_30_no_parameter_decides_where_a_sign_in_leads() {
    let world = World::shared();
    let client = world.public_client().await;
    for elsewhere in
        ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/\t/evil.test"]
    {
        let mut browser = ScriptedBrowser::new(&world);
        let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
        let mut fields =
            vec![("transaction", transaction.as_str()), ("username", USERNAME), ("password", PASSWORD)];
        for name in ["return_to", "next", "redirect_uri", "redirect", "continue", "url"] {
            fields.push((name, elsewhere));
        }
        let answer = browser.post("/login", &fields).await;
        let expected = format!("{}/consent?transaction={transaction}", world.issuer());
        assert_eq!(expect::see_other(&answer), expected);
    }
    let mut browser = ScriptedBrowser::new(&world);
    for transaction in ["//evil.test", "https://evil.test", "vst_ar_x", "", "\0"] {
        let query: String = url::form_urlencoded::byte_serialize(transaction.as_bytes()).collect();
        expect::error_page(&browser.get(&format!("/login?transaction={query}")).await, 400, "evil.test");
    }
}
