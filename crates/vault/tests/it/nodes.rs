//! What one node does, the others see within a second; and what they do without the database.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, interval};
use vault::{CredentialError, NeedReason, ReconnectReason, Vault};

use crate::{
    postgresql::Server,
    provider::{ALMOST, HOUR, Turn, gone},
    world::{World, get, github, owner, scope, shown},
};

/// Follows the changes as the binary does: four times a second.
fn follow(vault: &Vault) -> tokio::task::AbortHandle {
    let mut follower = vault.follow();
    let following = async move {
        let mut ticks = interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            drop(follower.catch_up().await);
        }
    };
    tokio::spawn(following).abort_handle()
}

async fn within_a_second(mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(1), "not within a second");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn changes_arrive(world: World) {
    let (here, there) = (world.node(), world.node());
    let following = follow(&there);
    let id = world.connect(&here, "ada").await.id;
    let refused = get(&there, "ada").await.unwrap();
    let open = tokio::spawn(there.ended(&refused));
    // Later than the time in which what was read counts as perhaps too old.
    tokio::time::sleep(Duration::from_millis(2300)).await;

    here.rejected(&get(&here, "ada").await.unwrap()).await.unwrap();
    within_a_second(async || get(&there, "ada").await.unwrap().generation() == 2).await;
    assert_eq!(there.rejected(&refused).await.unwrap().generation(), 2, "nobody asks the provider again");
    assert_eq!(world.provider.calls("ada"), 1);
    assert!(!open.is_finished(), "a renewal ends nothing");

    world.provider.then(Turn::Fail(gone()));
    assert!(here.rejected(&get(&here, "ada").await.unwrap()).await.is_err());
    within_a_second(async || match get(&there, "ada").await {
        Err(CredentialError::Connect(need)) => {
            need.reason == NeedReason::Reconnect(ReconnectReason::Withdrawn)
        }
        answer => answer.is_err(),
    })
    .await;
    within_a_second(async || open.is_finished()).await;

    let lease = here.acquire_for_update(&owner("ada"), &id, HOUR).await.unwrap();
    let waiting = tokio::spawn({
        let there = there.clone();
        async move {
            assert!(!is_dropped_in_time(&there).await);
            let began = Instant::now();
            let is_connected =
                there.wait_connected(&owner("ada"), &github(), &scope("read"), Duration::from_secs(5)).await;
            (is_connected, began.elapsed())
        }
    });
    here.update(&lease, world.received("ada")).await.unwrap();
    let (is_connected, took) = waiting.await.unwrap();
    assert!(is_connected && took < Duration::from_secs(1), "{took:?}");
    within_a_second(async || get(&there, "ada").await.is_ok()).await;

    let open = tokio::spawn(there.ended(&get(&there, "ada").await.unwrap()));
    assert!(!open.is_finished());
    here.delete(&owner("ada"), &id).await.unwrap();
    within_a_second(async || open.is_finished()).await;
    within_a_second(async || matches!(get(&there, "ada").await, Err(CredentialError::Connect(_)))).await;
    following.abort();
}

async fn is_dropped_in_time(vault: &Vault) -> bool {
    let wait = async { vault.wait_connected(&owner("nobody"), &github(), &scope(""), HOUR).await };
    tokio::time::timeout(Duration::from_millis(5), wait).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_arrive_over_a_file() {
    changes_arrive(World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_arrive_over_a_server() {
    changes_arrive(World::postgresql(Server::shared()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p8_without_the_database_what_is_fresh_is_used() {
    let server = Arc::new(Server::start());
    let mut world = World::postgresql(Arc::clone(&server)).await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    let before = shown(&get(&vault, "ada").await.unwrap());
    world.server = None;
    drop(server);
    let mut follower = vault.follow();
    assert!(follower.catch_up().await.is_err(), "the database is away");
    for _ in 0..10 {
        assert_eq!(shown(&get(&vault, "ada").await.unwrap()), before);
    }
    world.clock.pass(ALMOST);
    assert_eq!(shown(&get(&vault, "ada").await.unwrap()), before, "and what is still valid, too");
    world.clock.pass(HOUR);
    assert!(matches!(get(&vault, "ada").await, Err(CredentialError::Vault(_))));
    assert_eq!(world.provider.calls("ada"), 0, "VA-09");
}
