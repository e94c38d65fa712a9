//! AZ-05 to AZ-11: where an authorization response may go.

use serde_json::json;

use super::{
    client::{AuthorizationRequest, Client, STATE},
    expect,
    scripted_browser::ScriptedBrowser,
    world::{CALLBACK, WEB_CALLBACK, World},
};

async fn client_at(world: &World, uris: &[&str]) -> Client {
    world.register(&json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" })).await
}

#[track_caller]
fn stays_here(answer: &crate::http_client::Answer, sent: &str) {
    expect::error_page(answer, 400, sent);
}

#[tokio::test]
async fn az_05_only_the_registered_bytes() {
    let world = World::shared();
    let client = client_at(&world, &["https://client.example/cb"]).await;
    let request = AuthorizationRequest::of(&world, &client);
    for other in [
        "https://client.example/cb/../evil",
        "https://client.example/cb%2f..",
        "https://client.example/cb/",
        "https://client.example/CB",
        "https://client.example/cb?x=1",
        "https://client.example/cb?",
        "https://client.example/cb#f",
        "https://client.example:443/cb",
        "https://client.example:8443/cb",
        "http://client.example/cb",
        "HTTPS://client.example/cb",
        "https://CLIENT.example/cb",
        "https://client.example/cb;x",
        "https://client.example/cb..;/",
        "https://client.example/cb%00",
        "https://client.example/cb ",
        " https://client.example/cb",
        "https://client.example./cb",
        "https://client.example@evil.test/cb",
        "https://client.example.evil.test/cb",
        "https://evil.test/https://client.example/cb",
        "https://evil.test\\client.example/cb",
        "/cb",
        "javascript:alert(1)",
    ] {
        let mut browser = ScriptedBrowser::new(&world);
        let answer = browser.get(&request.with("redirect_uri", other).target()).await;
        stays_here(&answer, "evil");
        assert!(!String::from_utf8_lossy(&answer.body).contains(STATE), "{other}");
        // An invalid request whose destination is not known stays here too.
        let bad = request.with("redirect_uri", other).with("scope", "bad").without("code_challenge");
        stays_here(&browser.get(&bad.target()).await, "evil");
    }
}

#[tokio::test]
async fn az_06_on_this_computer_the_port_may_differ_and_nothing_else() {
    let world = World::shared();
    let client = client_at(&world, &["http://127.0.0.1/cb"]).await;
    let request = AuthorizationRequest::of(&world, &client);
    for (other, is_accepted) in [
        ("http://127.0.0.1:51234/cb", true),
        ("http://127.0.0.1/cb", true),
        ("http://localhost:51234/cb", false),
        ("http://[::1]:51234/cb", false),
        ("http://127.0.0.1:51234/CB", false),
        ("http://127.0.0.1:51234/cb/", false),
        ("http://127.0.0.1:51234/cb?x=1", false),
        ("http://127.0.0.1:99999/cb", false),
        ("http://127.0.0.1:51234@evil.test/cb", false),
        ("https://127.0.0.1:51234/cb", false),
        ("http://127.0.0.2:51234/cb", false),
    ] {
        let answer = ScriptedBrowser::new(&world).get(&request.with("redirect_uri", other).target()).await;
        if is_accepted {
            assert!(expect::see_other(&answer).contains("/login?transaction="), "{other}");
        } else {
            stays_here(&answer, "evil");
        }
    }
    let accepted = request.with("redirect_uri", "http://127.0.0.1:51234/cb");
    let transaction = ScriptedBrowser::new(&world).start(&accepted).await;
    assert!(!transaction.is_empty());
}

#[tokio::test]
async fn az_07_a_missing_redirect_uri_means_the_only_one() {
    let world = World::shared();
    let one = client_at(&world, &[CALLBACK]).await;
    let two = client_at(&world, &[CALLBACK, WEB_CALLBACK]).await;
    let mut browser = ScriptedBrowser::new(&world);
    let invalid = AuthorizationRequest::of(&world, &one).without("redirect_uri").with("scope", "bad");
    expect::error_response(&world, &browser.get(&invalid.target()).await, CALLBACK, "invalid_scope");
    for request in [
        AuthorizationRequest::of(&world, &two).without("redirect_uri"),
        AuthorizationRequest::of(&world, &two).with("redirect_uri", ""),
        AuthorizationRequest::of(&world, &one).and("redirect_uri", CALLBACK),
        AuthorizationRequest::of(&world, &two).and("redirect_uri", WEB_CALLBACK),
    ] {
        stays_here(&browser.get(&request.target()).await, "callback");
    }
}

#[tokio::test]
async fn az_09_parameters_are_appended_once() {
    let world = World::shared();
    let client = client_at(&world, &["http://127.0.0.1:4321/cb?x=1"]).await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&request).await;
    let answer = browser.decide(&transaction, "allow").await;
    let parameters = expect::response(&world, &answer, "http://127.0.0.1:4321/cb?x=1");
    let names: Vec<_> = parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "iss", "state", "x"]);
}

#[tokio::test]
async fn az_10_nobody_is_sent_anywhere_for_an_unknown_client() {
    let world = World::shared();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client).with("scope", "bad");
    let mut browser = ScriptedBrowser::new(&world);
    for id in
        ["unknown", "", "\u{0}", "' OR 1=1 --", "<script>", &client.id.to_uppercase(), &"x".repeat(4096)]
    {
        let hostile = request.with("client_id", id).with("redirect_uri", "https://evil.test");
        stays_here(&browser.get(&hostile.target()).await, "evil.test");
    }
    stays_here(&browser.get(&request.without("client_id").target()).await, CALLBACK);
    stays_here(&browser.get(&request.clone().and("client_id", &client.id).target()).await, CALLBACK);
    // Parameters have one spelling: these two are unknown parameters, so there is no client.
    let renamed = request.without("client_id").and("Client_Id", &client.id).and("client_id[]", &client.id);
    stays_here(&browser.get(&renamed.target()).await, CALLBACK);
}

#[tokio::test]
async fn a_code_never_goes_to_another_clients_destination() {
    let world = World::shared();
    let (ours, theirs) = (
        client_at(&world, &["https://a.example/cb"]).await,
        client_at(&world, &["https://b.example/cb"]).await,
    );
    let request = AuthorizationRequest::of(&world, &ours).with("redirect_uri", &theirs.redirect_uri);
    stays_here(&ScriptedBrowser::new(&world).get(&request.target()).await, "b.example");
}

#[tokio::test]
async fn az_11_a_person_is_asked_before_an_unverified_client_leads_away() {
    let world = World::shared();
    let client = world.web_client().await;
    let bad = AuthorizationRequest::of(&world, &client).with("scope", "bad");
    let mut browser = ScriptedBrowser::new(&world);
    let answer = browser.get(&bad.target()).await;
    expect::page(&answer, 400);
    let html = String::from_utf8_lossy(&answer.body);
    assert!(html.contains("Unverified app") && html.contains("client.example"), "{html}");
    assert!(!html.contains("http-equiv"), "{html}");
    // Programs are told at once: nobody looks at where they are led.
    expect::error_response(&world, &world.get(&bad.target()).await, WEB_CALLBACK, "invalid_scope");
}

#[tokio::test]
async fn az_11_whoever_allows_their_own_client_has_no_open_redirector() {
    let world = World::shared();
    let client = world.web_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    ScriptedBrowser::new(&world).allow(&request).await;
    let mut victim = ScriptedBrowser::new(&world);
    expect::page(&victim.get(&request.with("scope", "bad").target()).await, 400);
}
