//! Whose account it is, and what happens when it is another one than before (UP-15).

use std::time::Duration;

use serde_json::json;
use vault::{AccountChoice, ConnectErrorKind, Connected, RequestState};

use crate::{
    fake::tokens,
    world::{World, ada, asked_by, name, need, owner, person},
};

/// A world in which Ada's first account is connected, and her second one was received.
async fn changed() -> (World, vault::Vault, String) {
    let world = World::new().await;
    let vault = world.vault();
    world.connect(&vault, "p").await.unwrap();
    world.advance(Duration::from_secs(1));
    world.fake.answer("/token", 200, tokens("at-2"));
    world.fake.answer("/user", 200, json!({"id": 2, "login": "eve-at-p"}));
    let connected = world.connect(&vault, "p").await.unwrap();
    let expected = Connected::AccountChanged {
        id: connected.id().to_owned(),
        former: Some("ada-at-p".into()),
        received: Some("eve-at-p".into()),
    };
    assert_eq!(connected, expected);
    let id = connected.id().to_owned();
    (world, vault, id)
}

#[tokio::test]
async fn up_15_nothing_is_swapped_silently() {
    let (world, vault, id) = changed().await;
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-1"));
    let state = vault.connect_request(&id).await.unwrap().unwrap().state;
    let expected =
        RequestState::AccountChanged { former: Some("ada-at-p".into()), received: Some("eve-at-p".into()) };
    assert_eq!(state, expected);
    let link = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    assert_eq!(link.id, id, "a new call leads to the question that is open");
    let error = vault.settle_account(&id, &person("bob"), AccountChoice::Replace).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::OtherUser));
    assert_eq!(world.fake.count("/revoke"), 0);
}

#[tokio::test]
async fn up_15_replaced_the_former_account_is_revoked() {
    let (world, vault, id) = changed().await;
    vault.settle_account(&id, &ada(), AccountChoice::Replace).await.unwrap();
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-2"));
    let connections = vault.connections(&owner(&ada())).await.unwrap();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].account_name.as_deref(), Some("eve-at-p"));
    vault.revoke_queued().await.unwrap();
    assert_eq!(world.fake.seen("/revoke")[0].parameter("token").as_deref(), Some("rt-of-at-1"));
    let again = vault.settle_account(&id, &ada(), AccountChoice::Cancel).await.unwrap_err();
    assert!(matches!(again.why, ConnectErrorKind::Completed), "{again:?}");
}

#[tokio::test]
async fn up_15_both_accounts_may_stay() {
    let (world, vault, id) = changed().await;
    vault.settle_account(&id, &ada(), AccountChoice::KeepBoth).await.unwrap();
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-2"), "the new one is used");
    assert_eq!(vault.connections(&owner(&ada())).await.unwrap().len(), 2);
    vault.revoke_queued().await.unwrap();
    assert_eq!(world.fake.count("/revoke"), 0);
    // Each is known again by itself.
    world.fake.answer("/token", 200, tokens("at-3"));
    world.connect(&vault, "p").await.unwrap();
    assert_eq!(vault.connections(&owner(&ada())).await.unwrap().len(), 2);
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-3"));
}

#[tokio::test]
async fn up_15_cancelled_what_was_received_is_revoked() {
    let (world, vault, id) = changed().await;
    let cancelled = vault.settle_account(&id, &ada(), AccountChoice::Cancel).await.unwrap();
    assert_eq!(cancelled, Connected::Cancelled { id: id.clone() });
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-1"));
    vault.revoke_queued().await.unwrap();
    assert_eq!(world.fake.seen("/revoke")[0].parameter("token").as_deref(), Some("rt-of-at-2"));
    assert_eq!(vault.connect_request(&id).await.unwrap().unwrap().state, RequestState::Declined);
}

#[tokio::test]
async fn up_15_a_question_nobody_answers_is_a_no_after_a_day() {
    let (world, vault, _id) = changed().await;
    world.advance(Duration::from_hours(25));
    vault.settle_received().await.unwrap();
    vault.revoke_queued().await.unwrap();
    assert_eq!(world.fake.seen("/revoke")[0].parameter("token").as_deref(), Some("rt-of-at-2"));
    assert_eq!(vault.connections(&owner(&ada())).await.unwrap().len(), 1);
}

#[tokio::test]
async fn up_15_two_choices_at_once_have_one_effect() {
    let (world, vault, id) = changed().await;
    let (one, other) = (vault.clone(), world.vault());
    let (ada_one, ada_other) = (ada(), ada());
    let (first, second) = tokio::join!(
        one.settle_account(&id, &ada_one, AccountChoice::KeepBoth),
        other.settle_account(&id, &ada_other, AccountChoice::Replace),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
}

#[tokio::test]
async fn an_account_that_is_not_told_is_no_reason_to_lose_tokens() {
    let world = World::new().await;
    let vault = world.vault();
    world.fake.answer("/user", 503, json!({}));
    let connected = world.connect(&vault, "p").await.unwrap();
    assert!(matches!(connected, Connected::Done { account: None, .. }), "{connected:?}");
    assert_eq!(world.token(&vault, "p").await.as_deref(), Some("Bearer at-1"));
    world.fake.answer("/user", 200, json!({"id": 1, "login": "ada-at-p"}));
    world.connect(&vault, "p").await.unwrap();
    let connections = vault.connections(&owner(&ada())).await.unwrap();
    assert_eq!((connections.len(), connections[0].account_name.as_deref()), (1, Some("ada-at-p")));
    world.fake.answer("/user", 200, json!({"error": "x"}));
    let connected = world.connect(&vault, "p").await.unwrap();
    assert!(matches!(connected, Connected::AccountChanged { received: None, .. }), "{connected:?}");
    let cancelled = vault.settle_account(connected.id(), &ada(), AccountChoice::Cancel).await.unwrap();
    assert!(matches!(cancelled, Connected::Cancelled { .. }));
    vault.revoke_queued().await.unwrap();
    assert_eq!(world.fake.count("/revoke"), 0, "it may be the very account that is connected");
    assert!(vault.credential(&owner(&ada()), &name("p"), &oauth::Scope::default()).await.is_ok());
}
