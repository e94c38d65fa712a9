//! AZ-21 to AZ-23: when nobody is asked again.

use super::{
    client::{AuthorizationRequest, Client},
    expect,
    scripted_browser::{SESSION_COOKIE, ScriptedBrowser},
    world::{CALLBACK, WEB_CALLBACK, World},
};
use crate::server::{PASSWORD, USERNAME};

/// A browser in which somebody has allowed `scope` to the client.
async fn allowed<'w>(world: &'w World, client: &Client, scope: &str) -> ScriptedBrowser<'w> {
    let mut browser = ScriptedBrowser::new(world);
    browser.allow(&AuthorizationRequest::of(world, client).with("scope", scope)).await;
    browser
}

fn asks(answer: &crate::http_client::Answer, page: &str) {
    let location = expect::see_other(answer);
    assert!(location.contains(&format!("/{page}?transaction=")), "{location}");
}

#[tokio::test]
async fn az_21_more_than_was_allowed_is_asked_for() {
    let world = World::shared();
    let client = world.web_client().await;
    let mut browser = allowed(&world, &client, "read").await;
    let request = AuthorizationRequest::of(&world, &client);
    expect::code(&world, &browser.get(&request.target()).await);
    for wider in [
        request.with("scope", "read write"),
        request.with("scope", "read offline_access"),
        request.without("scope"),
        request.with("resource", &format!("{}/api", world.issuer())),
        request.and("prompt", "consent"),
    ] {
        asks(&browser.get(&wider.target()).await, "consent");
    }
    let delta = AuthorizationRequest::of(&world, &client).with("scope", "read write");
    let transaction = browser.start(&delta).await;
    let page = browser.get(&format!("/consent?transaction={transaction}")).await;
    expect::page(&page, 200);
    let html = String::from_utf8_lossy(&page.body);
    assert!(html.contains("Create, change and delete your data"), "{html}");
    // Denying the rest leaves what was allowed before.
    let answer = browser.decide(&transaction, "deny").await;
    expect::error_response(&world, &answer, WEB_CALLBACK, "access_denied");
    asks(&browser.get(&delta.target()).await, "consent");
    let narrow = AuthorizationRequest::of(&world, &client);
    expect::code(&world, &browser.get(&narrow.target()).await);
}

#[tokio::test]
async fn az_22_a_client_on_this_computer_is_never_waved_through() {
    let world = World::shared();
    let client = world.public_client().await;
    let mut browser = allowed(&world, &client, "read").await;
    let request = AuthorizationRequest::of(&world, &client);
    asks(&browser.get(&request.target()).await, "consent");
    let silent = request.and("prompt", "none");
    let answer = browser.get(&silent.target()).await;
    expect::error_response(&world, &answer, CALLBACK, "consent_required");
    browser.forget_cookie(SESSION_COOKIE);
    let answer = browser.get(&silent.target()).await;
    expect::error_response(&world, &answer, CALLBACK, "login_required");
}

#[tokio::test]
async fn az_22_an_app_behind_a_scheme_is_never_waved_through() {
    let world = World::shared();
    let callback = "com.example.app:/callback";
    let client = world
        .register(&serde_json::json!({ "redirect_uris": [callback], "token_endpoint_auth_method": "none" }))
        .await;
    let mut browser = allowed(&world, &client, "read").await;
    asks(&browser.get(&AuthorizationRequest::of(&world, &client).target()).await, "consent");
}

#[tokio::test]
async fn az_23_the_record_decides_and_no_cookie() {
    let world = World::alone();
    world.add_user("eve", "eve is not amused");
    let client = world.web_client().await;
    let other = world.web_client().await;
    let mut browser = allowed(&world, &client, "read").await;
    let request = AuthorizationRequest::of(&world, &client);
    expect::code(&world, &browser.get(&request.target()).await);

    // Another client of the same name and destination, and another person in the same browser.
    asks(&browser.get(&AuthorizationRequest::of(&world, &other).target()).await, "consent");
    let transaction = browser.start(&request.clone().and("prompt", "login")).await;
    let answer = browser.try_password(&transaction, "eve", "eve is not amused").await;
    asks(&answer, "consent");
    asks(&browser.get(&request.target()).await, "consent");

    // What was withdrawn is gone, whatever the browser still has.
    let transaction = browser.start(&request.clone().and("prompt", "login")).await;
    let answer = browser.try_password(&transaction, USERNAME, PASSWORD).await;
    expect::code(&world, &answer);
    world.database().execute("DELETE FROM consents");
    asks(&browser.get(&request.target()).await, "consent");
}
