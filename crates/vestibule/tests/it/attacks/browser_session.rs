//! CO-05 and AZ-37 in miniature: the cookies of a browser, and signing out.

use http::{HeaderValue, Request, header};
use hyper::body::Bytes;

use super::{
    client::{AuthorizationRequest, Client},
    expect,
    scripted_browser::{BROWSER_COOKIE, SESSION_COOKIE, ScriptedBrowser},
    world::World,
};

async fn with_cookies(world: &World, target: &str, cookies: &[String]) -> crate::http_client::Answer {
    let mut request = Request::get(target).body(Bytes::new()).expect("the request is valid");
    for cookie in cookies {
        let value = HeaderValue::from_str(cookie).expect("the cookie fits into a header");
        request.headers_mut().append(header::COOKIE, value);
    }
    world.send(request).await
}

async fn waiting<'w>(world: &'w World, client: &Client) -> (ScriptedBrowser<'w>, String) {
    let mut browser = ScriptedBrowser::new(world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(world, client)).await;
    (browser, transaction)
}

#[tokio::test]
async fn co_05_a_tossed_cookie_makes_nobody_somebody() {
    let world = World::shared();
    let client = world.public_client().await;
    let (browser, transaction) = waiting(&world, &client).await;
    let (other, _) = waiting(&world, &client).await;
    let cookie = |browser: &ScriptedBrowser<'_>, name: &str| {
        format!("{name}={}", browser.cookie(name).expect("the browser has it"))
    };
    let (own, session) = (cookie(&browser, BROWSER_COOKIE), cookie(&browser, SESSION_COOKIE));
    let (tossed, tossed_session) = (cookie(&other, BROWSER_COOKIE), cookie(&other, SESSION_COOKIE));
    let page = format!("/consent?transaction={transaction}");

    expect::page(&with_cookies(&world, &page, &[format!("{own}; {session}")]).await, 200);
    for cookies in [
        vec![format!("{own}; {tossed}; {session}")],
        vec![format!("{tossed}; {own}; {session}")],
        vec![own.clone(), tossed.clone(), session.clone()],
        vec![tossed.clone(), session.clone()],
        vec![session.clone()],
        vec![format!("__Host-{own}"), session.clone()],
        vec![format!("{own}x"), session.clone()],
        vec![own.to_uppercase(), session.clone()],
    ] {
        expect::error_page(&with_cookies(&world, &page, &cookies).await, 403, "vst_");
    }
    for cookies in [
        vec![format!("{own}; {session}; {tossed_session}")],
        vec![own.clone(), tossed_session.clone(), session.clone()],
        vec![own.clone()],
        vec![own.clone(), format!("{session}x")],
        vec![own.clone(), format!("{SESSION_COOKIE}=")],
        vec![own.clone(), format!("{SESSION_COOKIE}={}", "x".repeat(20_000))],
    ] {
        let answer = with_cookies(&world, &page, &cookies).await;
        assert!(expect::see_other(&answer).contains("/login?"), "{cookies:?}");
    }
}

#[tokio::test]
async fn az_37_nobody_is_signed_out_by_another_site_or_led_away() {
    let world = World::shared();
    let client = world.public_client().await;
    let (mut browser, transaction) = waiting(&world, &client).await;
    let answer = browser.post_from(Some("https://evil.test"), Some("cross-site"), ("/logout", &[])).await;
    expect::error_page(&answer, 403, "evil");
    assert_eq!(browser.get("/logout").await.status, 405);
    let page = format!("/consent?transaction={transaction}");
    expect::page(&browser.get(&page).await, 200);

    let session = browser.cookie(SESSION_COOKIE).expect("a session has begun").to_owned();
    let fields = [("post_logout_redirect_uri", "javascript:alert(1)"), ("id_token_hint", "x")];
    let answer = browser.post("/logout", &fields).await;
    expect::page(&answer, 200);
    assert!(!String::from_utf8_lossy(&answer.body).contains("javascript:"));
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
    browser.set_cookie(SESSION_COOKIE, &session);
    assert!(expect::see_other(&browser.get(&page).await).contains("/login?"), "the session has ended");
}
