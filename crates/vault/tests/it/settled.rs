//! A process that died in the middle of a renewal (FI-14): what the next one makes of what it finds.

use std::time::Duration;

use secret::Digest;
use store::Claim;
use vault::{ConnectionState, ReconnectReason, Settled, Vault};

use crate::{
    postgresql::Server,
    provider::HOUR,
    world::{World, get, owner},
};

/// As the row stands when its holder was killed after it had taken it.
async fn killed(world: &World, id: &str, lasts: Duration) {
    let held = world.store().held_credential(id).await.unwrap().unwrap();
    let claim = Claim {
        connection_id: id,
        fence: held.credential.fence,
        generation: held.credential.generation,
        node: "killed",
        lasts,
        intent: &Digest::of(b"rt-ada-0"),
        can_wait: false,
    };
    world.store().take_credential(&claim).await.unwrap().unwrap();
}

async fn state(vault: &Vault, user: &str) -> ConnectionState {
    vault.connections(&owner(user)).await.unwrap()[0].state
}

async fn a_killed_holder(world: World) {
    let vault = world.node();
    let (ada, eve) = (world.connect(&vault, "ada").await, world.connect(&vault, "eve").await);
    world.connect(&vault, "grace").await;
    world.clock.pass(HOUR);
    killed(&world, ada.id.as_str(), Duration::ZERO).await;
    killed(&world, eve.id.as_str(), HOUR).await;
    let restarted = world.node();
    assert_eq!(restarted.settle_intents().await.unwrap(), Settled { ended: 1, ..Settled::default() });
    assert_eq!(restarted.settle_intents().await.unwrap(), Settled::default(), "once is enough");
    assert_eq!(state(&vault, "ada").await, ConnectionState::Reconnect(ReconnectReason::UnknownOutcome));
    assert_eq!(state(&vault, "eve").await, ConnectionState::Connected, "its holder is alive");
    assert_eq!(world.provider.all_calls(), 0);
    assert_eq!(get(&restarted, "grace").await.unwrap().generation(), 2);
}

#[tokio::test]
async fn fi_14_is_told_in_a_file() {
    a_killed_holder(World::sqlite().await).await;
}

#[tokio::test]
async fn fi_14_is_told_on_a_server() {
    a_killed_holder(World::postgresql(Server::shared()).await).await;
}

#[tokio::test]
async fn fi_14_is_made_good_where_the_provider_allows_it() {
    let mut world = World::sqlite().await;
    world.quirks.refresh_repeats = true;
    let vault = world.node();
    let ada = world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    killed(&world, ada.id.as_str(), Duration::ZERO).await;
    assert_eq!(world.node().settle_intents().await.unwrap(), Settled { renewed: 1, ..Settled::default() });
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2);
    assert_eq!(world.provider.calls("ada"), 1);

    // Killed twice over the same token.
    let mut generation = 2;
    for (kills, expect) in
        [(1, Settled { renewed: 1, ..Settled::default() }), (2, Settled { ended: 1, ..Settled::default() })]
    {
        for _ in 0..kills {
            killed(&world, ada.id.as_str(), Duration::ZERO).await;
        }
        assert_eq!(world.node().settle_intents().await.unwrap(), expect, "{kills}");
        generation += i64::from(kills == 1);
        let held = world.store().held_credential(ada.id.as_str()).await.unwrap().unwrap();
        assert_eq!((held.credential.generation, held.credential.intent), (generation, None));
    }
}

/// The former process of this name is dead, however long its lease would last; others may be alive.
#[tokio::test]
async fn fi_14_nobody_waits_for_the_lease_of_a_former_self() {
    let mut world = World::sqlite().await;
    let vault = world.node();
    let ada = world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    killed(&world, ada.id.as_str(), HOUR).await;
    world.node = Some("another".to_owned());
    assert_eq!(world.node().settle_intents().await.unwrap(), Settled::default());
    world.node = Some("killed".to_owned());
    assert_eq!(world.node().settle_intents().await.unwrap(), Settled { ended: 1, ..Settled::default() });
    assert_eq!(state(&vault, "ada").await, ConnectionState::Reconnect(ReconnectReason::UnknownOutcome));
}

/// Whoever needs the credential settles it, too, without a restart.
#[tokio::test]
async fn fi_02_the_lease_of_the_dead_runs_out() {
    let mut world = World::sqlite().await;
    world.quirks.refresh_rotates = false;
    let vault = world.node();
    let ada = world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    killed(&world, ada.id.as_str(), Duration::from_millis(300)).await;
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2, "after some polls");
    assert_eq!(world.provider.calls("ada"), 1);
}
