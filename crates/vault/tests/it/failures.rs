//! What goes wrong at the provider, and what becomes of the connection.

use std::{sync::Arc, time::Duration};

use audit::Kind;
use tokio::sync::Semaphore;
use vault::{ConnectionState, CredentialError, Need, NeedReason, ReconnectReason, Vault, provider::Failure};

use crate::{
    provider::{ALMOST, HOUR, Turn, gone, lost, refusal},
    world::{World, get, github, owner, scope, shown},
};

async fn state(vault: &Vault) -> ConnectionState {
    vault.connections(&owner("ada")).await.unwrap()[0].state
}

fn need(answer: Result<Arc<vault::Credential>, CredentialError>) -> Need {
    match answer {
        Err(CredentialError::Connect(need)) => *need,
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn va_13_a_clear_word_ends_the_connection() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.provider.withdraw("ada");
    world.clock.pass(HOUR);
    let need = need(get(&vault, "ada").await);
    assert_eq!(need.reason, NeedReason::Reconnect(ReconnectReason::Withdrawn));
    assert_eq!((need.owner, need.provider, need.scope), (owner("ada"), github(), scope("read")));
    assert_eq!(state(&vault).await, ConnectionState::Reconnect(ReconnectReason::Withdrawn));
    for _ in 0..5 {
        assert!(get(&vault, "ada").await.is_err());
    }
    assert_eq!(world.provider.calls("ada"), 1, "no silent loop (P4)");
    assert_eq!(world.log.kinds(), [Kind::ConnectionMade, Kind::ConnectionBroken]);
    assert!(!world.log.text().contains("canary") && !world.log.text().contains("rt-ada"));
}

#[tokio::test]
async fn va_13_everything_else_is_over_some_time() {
    let html = Failure::Unreadable("it is no JSON object with an access token");
    let limited = Failure::Limited { retry_after: Some(Duration::from_secs(7)) };
    for failure in [
        Failure::Refused(refusal("invalid_request")),
        Failure::Client(refusal("invalid_client")),
        Failure::Forbidden(refusal("403")),
        limited.clone(),
        Failure::Server { status: 502, retry_after: None },
        html,
    ] {
        let world = World::sqlite().await;
        let vault = world.node();
        world.connect(&vault, "ada").await;
        world.clock.pass(ALMOST);
        world.provider.then(Turn::Fail(failure.clone()));
        for _ in 0..10 {
            let credential = get(&vault, "ada").await.unwrap();
            assert_eq!(credential.generation(), 1, "{failure}: what is valid is used");
        }
        assert_eq!(world.provider.calls("ada"), 1, "{failure}: and the provider is left alone");
        world.clock.pass(HOUR);
        for _ in 0..10 {
            let Err(CredentialError::Unavailable { retry_after, .. }) = get(&vault, "ada").await else {
                panic!("{failure}: nothing is valid any more");
            };
            assert!(retry_after >= Duration::from_secs(1) && retry_after < Duration::from_secs(10));
            if failure == limited {
                assert!(retry_after > Duration::from_secs(5), "as it asked");
            }
        }
        assert_eq!(world.provider.calls("ada"), 1, "{failure}");
        assert_eq!(state(&vault).await, ConnectionState::Connected);
        assert!(!world.log.text().contains("rt-ada"));
        world.execute("UPDATE credentials SET not_before = 0");
        assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2, "{failure}: it is over");
    }
}

#[tokio::test]
async fn fi_13_a_lost_answer_of_a_provider_that_rotates_is_told() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    world.provider.then(Turn::Lose);
    let need = need(get(&vault, "ada").await);
    assert_eq!(need.reason, NeedReason::Reconnect(ReconnectReason::UnknownOutcome));
    assert!(get(&vault, "ada").await.is_err());
    assert_eq!(world.provider.calls("ada"), 1);
}

#[tokio::test]
async fn fi_13_a_lost_answer_is_asked_for_once_more_where_the_provider_allows_it() {
    let mut world = World::sqlite().await.with_provider(|provider| provider.has_grace = true);
    world.quirks.refresh_repeats = true;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    world.provider.then(Turn::Lose);
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2);
    assert_eq!(world.provider.calls("ada"), 2);

    world.clock.pass(HOUR);
    world.provider.then(Turn::Lose);
    world.provider.then(Turn::Lose);
    let need = need(get(&vault, "ada").await);
    assert_eq!(need.reason, NeedReason::Reconnect(ReconnectReason::UnknownOutcome));
    assert_eq!(world.provider.calls("ada"), 4, "once more and never again");
}

#[tokio::test]
async fn fi_13_a_provider_that_does_not_rotate_loses_nothing() {
    let mut world = World::sqlite().await;
    world.quirks.refresh_rotates = false;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    world.provider.then(Turn::Fail(lost()));
    assert!(matches!(get(&vault, "ada").await, Err(CredentialError::Unavailable { .. })));
    world.execute("UPDATE credentials SET not_before = 0");
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2);
}

#[tokio::test]
async fn va_14_the_old_refresh_token_stays_when_none_comes() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    for generation in 2..5 {
        world.clock.pass(HOUR);
        world.provider.then(Turn::KeepOld);
        assert_eq!(get(&vault, "ada").await.unwrap().generation(), generation);
    }
    world.clock.pass(HOUR);
    world.provider.then(Turn::NoEnd);
    let unending = get(&vault, "ada").await.unwrap();
    world.clock.pass(Duration::from_hours(24 * 365));
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), unending.generation());
    assert_eq!(vault.rejected(&unending).await.unwrap().generation(), unending.generation() + 1);
}

#[tokio::test]
async fn a_key_that_is_refused_has_to_be_entered_again() {
    let world = World::sqlite().await;
    let vault = world.node();
    let mut key = world.received("ada");
    (key.kind, key.secrets.refresh_token, key.expires_at) = ("api_key", None, None);
    vault.create(&owner("ada"), &github(), key).await.unwrap();
    let credential = get(&vault, "ada").await.unwrap();
    let need = need(vault.rejected(&credential).await);
    assert_eq!(need.reason, NeedReason::Reconnect(ReconnectReason::Rejected));
    assert_eq!(world.provider.all_calls(), 0);
}

/// VA-09: the database is asked first, so nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_09_nothing_is_asked_for_that_could_not_be_stored() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    let other = rusqlite::Connection::open(world.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(get(&vault, "ada").await, Err(CredentialError::Vault(_))));
    assert_eq!(world.provider.calls("ada"), 0);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2);
}

/// P4: the provider has answered, and the database cannot store it for a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_09_what_came_is_stored_when_the_database_is_back() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    let gate = Arc::new(Semaphore::new(0));
    world.provider.then(Turn::Gate(Arc::clone(&gate)));
    let call = tokio::spawn({
        let vault = vault.clone();
        async move { get(&vault, "ada").await }
    });
    crate::world::until(|| world.provider.begun() == 1).await;
    let other = rusqlite::Connection::open(world.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    gate.add_permits(1);
    // The writer waits five seconds for the other process before it says so.
    tokio::time::sleep(Duration::from_secs(6)).await;
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(call.await.unwrap().unwrap().generation(), 2);
    world.clock.pass(HOUR);
    assert_eq!(get(&world.node(), "ada").await.unwrap().generation(), 3, "another node finds it stored");
    assert_eq!(world.provider.calls("ada"), 2);
}

/// VA-10: the caller goes away; the renewal is finished and stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_10_a_caller_that_goes_away_loses_nothing() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    let gate = Arc::new(Semaphore::new(0));
    world.provider.then(Turn::Gate(Arc::clone(&gate)));
    let call = tokio::spawn({
        let vault = vault.clone();
        async move { get(&vault, "ada").await }
    });
    crate::world::until(|| world.provider.begun() == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(!vault.drain(Duration::from_millis(1)).await, "it is under way");
    gate.add_permits(1);
    assert!(vault.drain(Duration::from_secs(30)).await);
    let credential = get(&world.node(), "ada").await.unwrap();
    assert!(shown(&credential).starts_with("Bearer at-ada-1-"));
    assert_eq!(world.provider.calls("ada"), 1);
}

#[tokio::test]
async fn a_loser_does_not_undo_what_the_winner_stored() {
    let world = World::sqlite().await;
    let nodes = [world.node(), world.node()];
    world.connect(&nodes[0], "ada").await;
    world.clock.pass(HOUR);
    // The row is renewed behind the back of a node whose provider then says `invalid_grant` about the old token.
    let gate = Arc::new(Semaphore::new(0));
    world.provider.then(Turn::Gate(Arc::clone(&gate)));
    let first = tokio::spawn({
        let vault = nodes[0].clone();
        async move { get(&vault, "ada").await }
    });
    crate::world::until(|| world.provider.begun() == 1).await;
    world.execute("UPDATE credentials SET leased_until = 0, intent = NULL, attempts = 0");
    world.provider.then(Turn::Fail(gone()));
    let second = tokio::spawn({
        let vault = nodes[1].clone();
        async move { get(&vault, "ada").await }
    });
    crate::world::until(|| world.provider.begun() == 2).await;
    drop(second.await.unwrap());
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().unwrap().generation(), 2);
    assert_eq!(get(&nodes[1], "ada").await.unwrap().generation(), 2, "the winner's is there");
    assert_eq!(state(&nodes[1]).await, ConnectionState::Connected);
}

/// P4: an API that refuses whatever it is shown.
#[tokio::test]
async fn p4_an_api_that_refuses_everything_is_no_reason_for_a_loop() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    let mut last = Ok(get(&vault, "ada").await.unwrap());
    while let Ok(credential) = &last {
        last = vault.rejected(credential).await;
    }
    assert_eq!(need(last).reason, NeedReason::Reconnect(ReconnectReason::Rejected));
    assert_eq!(world.provider.calls("ada"), 3, "within an hour");
}
