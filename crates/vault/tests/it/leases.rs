//! Uses together, changes alone.

use std::time::Duration;

use futures_util::future::join_all;
use vault::{Keep, Vault, VaultError};

use crate::{
    provider::{ALMOST, HOUR, Scripted},
    world::{World, get, github, owner, scope, shown},
};

const SOON: Duration = Duration::from_millis(150);

async fn share(vault: &Vault) -> vault::Lease {
    vault.acquire(&owner("ada"), &github(), &scope("read"), SOON).await.unwrap().1
}

#[tokio::test]
async fn uses_are_together_and_changes_alone() {
    let world = World::sqlite().await;
    let nodes = [world.node(), world.node()];
    let id = world.connect(&nodes[0], "ada").await.id;
    let (one, two) = (share(&nodes[0]).await, share(&nodes[1]).await);
    let busy = nodes[0].acquire_for_update(&owner("ada"), &id, SOON).await.unwrap_err();
    assert!(
        matches!(busy, VaultError::InUse { retry_after } if retry_after > Duration::from_secs(20)),
        "{busy:?}"
    );
    one.release().await.unwrap();
    two.release().await.unwrap();
    let alone = nodes[0].acquire_for_update(&owner("ada"), &id, SOON).await.unwrap();
    assert!(matches!(
        nodes[1].acquire(&owner("ada"), &github(), &scope("read"), SOON).await,
        Err(vault::CredentialError::Vault(VaultError::InUse { .. }))
    ));
    alone.release().await.unwrap();
    share(&nodes[1]).await.release().await.unwrap();
}

/// A stream of uses does not keep a change away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_comes_before_a_queue_of_uses() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let first = share(&vault).await;
    let change = tokio::spawn({
        let vault = vault.clone();
        async move { vault.acquire_for_update(&owner("ada"), &id, HOUR).await.unwrap() }
    });
    // Uses that come later wait until the change has been made.
    let late = loop {
        match vault.acquire(&owner("ada"), &github(), &scope("read"), Duration::ZERO).await {
            Ok((_, lease)) => lease.release().await.unwrap(),
            Err(error) => break error,
        }
    };
    assert!(matches!(late, vault::CredentialError::Vault(VaultError::InUse { .. })), "{late:?}");
    first.release().await.unwrap();
    change.await.unwrap().release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_up_leaves_the_line() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let first = share(&vault).await;
    let waiting = tokio::spawn({
        let (vault, id) = (vault.clone(), id.clone());
        async move { vault.acquire_for_update(&owner("ada"), &id, HOUR).await.map(drop) }
    });
    while vault.acquire(&owner("ada"), &github(), &scope("read"), Duration::ZERO).await.is_ok() {}
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let second = vault.acquire(&owner("ada"), &github(), &scope("read"), Duration::from_secs(5)).await;
    second.unwrap().1.release().await.unwrap();
    first.release().await.unwrap();
}

/// A renewal that has to be made waits for no lease, not even for one's own; one that can wait is put off.
#[tokio::test]
async fn nobody_waits_for_a_lease_of_their_own() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    let lease = share(&vault).await;
    world.clock.pass(ALMOST);
    for _ in 0..3 {
        assert_eq!(get(&vault, "ada").await.unwrap().generation(), 1, "it can wait");
    }
    assert_eq!(world.provider.calls("ada"), 0);
    world.clock.pass(HOUR);
    assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2, "now it cannot");
    lease.release().await.unwrap();
}

#[tokio::test]
async fn an_update_narrows_nothing_and_changes_no_kind() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let lease = vault.acquire_for_update(&owner("ada"), &id, SOON).await.unwrap();
    let mut narrower = world.received("ada");
    narrower.scope = scope("write");
    assert_eq!(vault.update(&lease, narrower).await.unwrap_err(), VaultError::NarrowerScope);
    let mut other = world.received("ada");
    other.kind = "api_key";
    assert_eq!(vault.update(&lease, other).await.unwrap_err(), VaultError::OtherKind);
    let mut wider = world.received("ada");
    (wider.scope, wider.secrets.credential) = (scope("read write"), "at-wider".into());
    assert_eq!(vault.update(&lease, wider).await.unwrap().scope, scope("read write"));
    assert_eq!(shown(&get(&vault, "ada").await.unwrap()), "Bearer at-wider");
}

/// VA-15 for changes: a lease that has run out writes nothing.
#[tokio::test]
async fn va_15_a_lease_that_has_run_out_writes_nothing() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let lease = vault.acquire_for_update(&owner("ada"), &id, SOON).await.unwrap();
    world.execute("UPDATE connection_leases SET ends_at = 1");
    assert_eq!(vault.update(&lease, world.received("ada")).await.unwrap_err(), VaultError::LeaseLost);
    let next = vault.acquire_for_update(&owner("ada"), &id, SOON).await.unwrap();
    assert_eq!(vault.update(&lease, world.received("ada")).await.unwrap_err(), VaultError::LeaseLost);
    vault.update(&next, world.received("ada")).await.unwrap();
}

#[tokio::test]
async fn an_account_is_connected_once_however_many_try() {
    let world = World::sqlite().await;
    let nodes = [world.node(), world.node()];
    let tries = (0..32).map(|number| {
        let received = world.received("ada");
        let vault = nodes[number % 2].clone();
        async move { vault.create(&owner("ada"), &github(), received).await }
    });
    let made = join_all(tries).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().all(|made| made.is_ok() || *made == Err(VaultError::AlreadyConnected)));
}

#[tokio::test]
async fn two_accounts_are_kept_and_the_chosen_one_is_used() {
    let world = World::sqlite().await;
    let vault = world.node();
    let first = world.connect(&vault, "ada").await;
    world.clock.pass(Duration::from_secs(1));
    let mut other = world.received("ada");
    other.account.as_mut().unwrap().id = "another".into();
    other.secrets = Scripted::first("another");
    let second = vault.create(&owner("ada"), &github(), other).await.unwrap();
    assert_eq!(get(&vault, "ada").await.unwrap().connection_id(), &second.id);
    world.clock.pass(Duration::from_secs(1));
    vault.choose(&owner("ada"), &first.id).await.unwrap();
    assert_eq!(get(&vault, "ada").await.unwrap().connection_id(), &first.id);
    let connections = vault.connections(&owner("ada")).await.unwrap();
    assert_eq!(connections.iter().map(|connection| connection.is_chosen).collect::<Vec<_>>(), [true, false]);
    let strangers =
        vault.keep(&owner("eve"), &github(), world.received("ada"), Keep::Replace(first.id)).await;
    assert_eq!(strangers.unwrap_err(), VaultError::NoSuchConnection);
}
