//! A holder that was stopped longer than its lease (VA-15, FI-11): its node is `late`, the other one `soon`.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinHandle};
use vault::{ConnectionState, Credential, CredentialError, NeedReason, ReconnectReason, Vault};

use crate::{
    postgresql::Server,
    provider::{HOUR, Turn},
    world::{World, get, owner, shown, until},
};

const LEASE: Duration = Duration::from_millis(100);

type Call = JoinHandle<Result<Arc<Credential>, CredentialError>>;

fn call(vault: &Vault) -> Call {
    let vault = vault.clone();
    tokio::spawn(async move { get(&vault, "ada").await })
}

/// The provider has answered `late`, which does not hear it until the gate opens; its lease runs out meanwhile.
async fn a_holder_sleeps(world: &mut World) -> (Vault, Vault, Call, Arc<Semaphore>) {
    world.refresh.lease = LEASE;
    let (late, soon) = (world.node(), world.node());
    world.connect(&late, "ada").await;
    world.clock.pass(HOUR);
    let gate = Arc::new(Semaphore::new(0));
    world.provider.then(Turn::Gate(Arc::clone(&gate)));
    let sleeping = call(&late);
    until(|| world.provider.begun() == 1).await;
    (late, soon, sleeping, gate)
}

/// The provider gives the same successor once more: the other node goes on with it.
async fn the_winners_stay(mut world: World) {
    world.quirks.refresh_repeats = true;
    let (late, soon, sleeping, gate) = a_holder_sleeps(&mut world).await;
    let winner = call(&soon).await.unwrap().unwrap();
    assert_eq!(
        (winner.generation(), world.provider.calls("ada")),
        (2, 2),
        "one call more than without the sleep"
    );
    gate.add_permits(1);
    let woken = sleeping.await.unwrap().unwrap();
    assert_eq!(shown(&woken), shown(&winner), "what it had received is not written over the winner's");
    assert_eq!(shown(&get(&world.node(), "ada").await.unwrap()), shown(&winner));
    assert_eq!(world.provider.calls("ada"), 2);
    assert!(world.log.text().contains("another was stored before"), "it is counted");
    world.clock.pass(HOUR);
    assert_eq!(get(&late, "ada").await.unwrap().generation(), 3, "and the connection goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_15_the_winners_tokens_stay_in_a_file() {
    the_winners_stay(World::sqlite().await.with_provider(|provider| provider.has_grace = true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_15_the_winners_tokens_stay_on_a_server() {
    let world = World::postgresql(Server::shared()).await;
    the_winners_stay(world.with_provider(|provider| provider.has_grace = true)).await;
}

/// The other node may not repeat, so that it tells the person to connect again; the late answer heals that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_15_what_came_late_is_stored_when_nobody_else_has_anything() {
    let mut world = World::sqlite().await;
    let (_, soon, sleeping, gate) = a_holder_sleeps(&mut world).await;
    let Err(CredentialError::Connect(need)) = call(&soon).await.unwrap() else {
        panic!("the outcome is not known");
    };
    assert_eq!(need.reason, NeedReason::Reconnect(ReconnectReason::UnknownOutcome));
    gate.add_permits(1);
    let woken = sleeping.await.unwrap().unwrap();
    assert_eq!(woken.generation(), 2);
    assert_eq!(shown(&get(&soon, "ada").await.unwrap()), shown(&woken));
    assert_eq!(soon.connections(&owner("ada")).await.unwrap()[0].state, ConnectionState::Connected);
    assert_eq!(world.provider.calls("ada"), 1);
    world.clock.pass(HOUR);
    assert_eq!(get(&soon, "ada").await.unwrap().generation(), 3, "with the refresh token that came late");
}

/// A person connects anew while a holder sleeps: what they did counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_15_a_person_who_connects_anew_wins() {
    let mut world = World::sqlite().await;
    let (_, soon, sleeping, gate) = a_holder_sleeps(&mut world).await;
    let id = soon.connections(&owner("ada")).await.unwrap().remove(0).id;
    let lease = soon.acquire_for_update(&owner("ada"), &id, HOUR).await.unwrap();
    let mut received = world.received("ada");
    received.secrets.credential = "at-anew".into();
    soon.update(&lease, received).await.unwrap();
    gate.add_permits(1);
    assert_eq!(shown(&sleeping.await.unwrap().unwrap()), "Bearer at-anew");
    assert_eq!(shown(&get(&soon, "ada").await.unwrap()), "Bearer at-anew");
}
