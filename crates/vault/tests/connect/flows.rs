//! The flow as it should go, and what may happen on the way.

use std::time::Duration;

use oauth::{CodeChallenge, CodeVerifier, Scope};
use serde_json::json;
use vault::{ConnectErrorKind, Connected, RequestState};

use crate::{
    fake::tokens,
    world::{World, ada, asked_by, browser, name, need, owner, scope},
};

#[tokio::test]
async fn an_account_is_connected_and_used() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    assert_eq!(away.url.path(), "/authorize");
    assert_eq!(away.parameter("redirect_uri"), "https://v.test/connect/callback/p");
    assert_eq!((away.parameter("scope"), away.parameter("client_id")), ("base read".into(), "us".into()));
    let state = vault.connect_request(&away.id).await.unwrap().unwrap().state;
    assert_eq!(state, RequestState::Authorizing);

    let answer = format!("{}&iss={}", away.answer("the-code"), world.fake.url(""));
    let connected = vault.callback(&name("p"), &ada(), &browser(), &answer).await.unwrap();
    let Connected::Done { account, missing, .. } = connected else { panic!("{connected:?}") };
    assert_eq!((account.as_deref(), missing), (Some("ada-at-p"), Scope::default()));

    let sent = &world.fake.seen("/token")[0];
    assert_eq!(sent.parameter("code").as_deref(), Some("the-code"));
    assert_eq!(sent.parameter("redirect_uri").unwrap(), away.parameter("redirect_uri"));
    let verifier = CodeVerifier::parse(&sent.parameter("code_verifier").unwrap()).unwrap();
    assert_eq!(CodeChallenge::of(&verifier).to_text(), away.parameter("code_challenge"));
    assert!(sent.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(sent.parameter("client_secret"), None);

    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-1"));
    let connection = &vault.connections(&owner(&ada())).await.unwrap()[0];
    assert_eq!(
        (connection.account.as_deref(), connection.scope.to_string().as_str()),
        (Some("1"), "base read")
    );
    let request = vault.connect_request(&away.id).await.unwrap().unwrap();
    let connected = RequestState::Connected { account: Some("ada-at-p".into()), missing: Scope::default() };
    assert_eq!(request.state, connected);
    assert!(vault.is_connected(&away.id).await.unwrap());
}

#[tokio::test]
async fn a_storm_of_calls_makes_one_request() {
    let world = World::new().await;
    let vaults = [world.vault(), world.vault()];
    let asks = (0..60).map(|number| {
        let vault = vaults[number % 2].clone();
        tokio::spawn(async move {
            let scopes = if number % 3 == 0 { "read" } else { "read write" };
            vault.ask(&need(&ada(), "p", scopes), &asked_by()).await.unwrap().id
        })
    });
    let mut ids = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        ids.push(ask.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let request = vaults[0].connect_request(&ids[0]).await.unwrap().unwrap();
    assert_eq!(request.scope, scope("read write"));
    let other = vaults[0].ask(&need(&ada(), "q", "read"), &asked_by()).await.unwrap();
    assert_ne!(other.id, ids[0], "another provider is another request");
    let own = vaults[0].ask(&need(&ada(), "p", "read"), None).await.unwrap();
    assert_ne!(own.id, ids[0], "what a person begins is another request");
}

#[tokio::test]
async fn up_11_a_link_holds_an_identifier_and_nothing_else() {
    let world = World::new().await;
    let link = world.vault().ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    assert_eq!(link.url, format!("https://v.test/connect?e={}", link.id));
    assert_eq!(link.id.len(), 22, "128 bits in base64url");
    assert!(
        !link.url.contains("ada") && !link.message.contains("ada") && !link.message.contains("client_app")
    );
}

#[tokio::test]
async fn more_is_asked_for_than_before_and_never_less() {
    let world = World::new().await;
    let vault = world.vault();
    world.connect(&vault, "p").await.unwrap();
    world.fake.answer("/token", 200, json!({"access_token": "at-2", "scope": "base read"}));
    let more = vault.ask(&need(&ada(), "p", "write"), &asked_by()).await.unwrap();
    let away = world.away_for(&vault, &more.id).await;
    assert_eq!(away.parameter("scope"), "base read write");
    let connected = vault.callback(&name("p"), &ada(), &browser(), &away.answer("c")).await.unwrap();
    let Connected::Done { missing, .. } = connected else { panic!("{connected:?}") };
    assert_eq!(missing, scope("write"), "what was not granted is told");
    assert!(vault.credential(&owner(&ada()), &name("p"), &scope("write")).await.is_err());
    assert_eq!(
        vault.connections(&owner(&ada())).await.unwrap().len(),
        1,
        "the same account is one connection"
    );
}

#[tokio::test]
async fn a_browser_that_goes_away_loses_nothing() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    world.fake.close("/token");
    let (gone, answer) = (vault.clone(), away.answer("c"));
    let callback =
        tokio::spawn(async move { gone.callback(&name("p"), &ada(), &browser(), &answer).await.map(drop) });
    while world.fake.count("/token") == 0 {
        tokio::task::yield_now().await;
    }
    callback.abort();
    assert!(callback.await.unwrap_err().is_cancelled());
    world.fake.open("/token");
    let waited =
        vault.wait_connected(&owner(&ada()), &name("p"), &scope("read"), Duration::from_secs(20)).await;
    assert!(waited);
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-1"));
}

#[tokio::test]
async fn two_windows_connect_one_account_once() {
    let world = World::new().await;
    let vault = world.vault();
    let one = world.away(&vault, "p").await;
    let two = world.away_for(&vault, &one.id).await;
    assert_ne!(one.parameter("state"), two.parameter("state"));
    vault.callback(&name("p"), &ada(), &browser(), &one.answer("c1")).await.unwrap();
    let second = vault.callback(&name("p"), &ada(), &browser(), &two.answer("c2")).await.unwrap_err();
    assert!(matches!(second.why, ConnectErrorKind::Completed), "{second:?}");
    assert_eq!(second.id.as_deref(), Some(one.id.as_str()));
    assert_eq!(world.fake.count("/token"), 1);
}

#[tokio::test]
async fn a_try_that_failed_may_be_repeated_with_the_same_link() {
    let world = World::new().await;
    let vault = world.vault();
    for (status, body) in [
        (400, json!({"error": "invalid_grant", "error_description": "a-code is used"})),
        (503, json!({})),
        (200, json!({"error": "bad_verification_code"})),
    ] {
        world.fake.answer("/token", status, body);
        let error = world.connect(&vault, "p").await.unwrap_err();
        assert!(matches!(error.why, ConnectErrorKind::Exchange(_)), "{error:?}");
        let request = vault.connect_request(error.id.as_ref().unwrap()).await.unwrap().unwrap();
        let RequestState::Failed { told } = request.state else { panic!("{:?}", request.state) };
        assert!(!told.contains("a-code"), "{told}");
    }
    world.fake.answer("/token", 200, tokens("at-9"));
    world.connect(&vault, "p").await.unwrap();
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-9"));
}

#[tokio::test]
async fn what_a_task_that_died_received_is_seen_to_by_another_node() {
    let world = World::new().await;
    let (dead, alive) = (world.vault(), world.vault());
    let away = world.away(&dead, "p").await;
    world.fake.close("/user");
    let answer = away.answer("c");
    let callback = tokio::spawn(async move { dead.callback(&name("p"), &ada(), &browser(), &answer).await });
    while world.fake.count("/user") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.token(&alive, "p").await, None);
    world.advance(Duration::from_mins(2));
    let settling = tokio::spawn(async move { (alive.settle_received().await, alive) });
    while world.fake.count("/user") < 2 {
        tokio::task::yield_now().await;
    }
    world.fake.open("/user");
    let (settled, alive) = settling.await.unwrap();
    settled.unwrap();
    let late = callback.await.unwrap();
    assert!(matches!(&late, Ok(Connected::Done { .. })) || late.is_err(), "{late:?}");
    assert_eq!(world.token(&alive, "p").await.as_deref(), Some("Bearer at-1"));
    assert_eq!(alive.connections(&owner(&ada())).await.unwrap().len(), 1);
}
