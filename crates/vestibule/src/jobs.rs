//! What the server does by itself while it runs.

use std::{path::Path, sync::Arc, time::Duration};

use oauth::Clock;
use secret::Keyring;
use store::Store;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use vault::{Follower, Vault};

use crate::{keyring, revocations::Revocations};

/// Product promise: revoked is revoked on every node within one second.
const REVOCATION_INTERVAL: Duration = Duration::from_millis(250);
const GARBAGE_INTERVAL: Duration = Duration::from_mins(1);

/// How often providers are told of connections that were ended.
const PROVIDER_REVOCATION_INTERVAL: Duration = Duration::from_secs(5);
/// How often connections are looked after.
const CONNECTIONS_INTERVAL: Duration = Duration::from_mins(1);

/// Starts the jobs; they end when the set is dropped.
pub(crate) fn start(
    store: Store,
    revocations: Revocations,
    vault: &Vault,
    clock: Arc<dyn Clock>,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(follow_revocations(revocations));
    jobs.spawn(follow_connections(vault.follow()));
    jobs.spawn(revoke_at_providers(vault.clone()));
    jobs.spawn(keep_connections(vault.clone()));
    jobs.spawn(collect_garbage(store, clock));
    jobs
}

/// Takes a changed file of the keyring in `data_dir` over.
pub(crate) fn follow_keyring(jobs: &mut JoinSet<()>, data_dir: &Path, keyring: Arc<Keyring>, store: Store) {
    let data_dir = data_dir.to_owned();
    jobs.spawn(async move { match keyring::follow(&data_dir, keyring, store).await {} });
}

/// Logs when the database is lost and when it is back, not four times a second.
async fn follow_revocations(mut revocations: Revocations) {
    let mut is_lost = false;
    let mut ticks = ticks(REVOCATION_INTERVAL);
    loop {
        ticks.tick().await;
        let outcome = revocations.catch_up().await;
        match &outcome {
            Ok(()) if is_lost => tracing::info!("revocations of other nodes are followed again"),
            Err(error) if !is_lost => {
                tracing::error!(%error, "revocations of other nodes are not seen for now");
            }
            _ => {}
        }
        is_lost = outcome.is_err();
        revocations.forget_expired();
    }
}

/// What other nodes have done to connections is known here as soon as a revocation is.
async fn follow_connections(mut follower: Follower) {
    let mut is_lost = false;
    let mut ticks = ticks(REVOCATION_INTERVAL);
    loop {
        ticks.tick().await;
        let outcome = follower.catch_up().await;
        match &outcome {
            Ok(()) if is_lost => tracing::info!("connections changed on other nodes are followed again"),
            Err(error) if !is_lost => {
                tracing::error!(%error, "connections changed on other nodes are not seen for now");
            }
            _ => {}
        }
        is_lost = outcome.is_err();
    }
}

async fn revoke_at_providers(vault: Vault) {
    let mut ticks = ticks(PROVIDER_REVOCATION_INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(error) = vault.revoke_queued().await {
            tracing::warn!(%error, "providers are told later of connections that were ended");
        }
    }
}

/// Finishes connections that somebody began, and writes down when others were used.
async fn keep_connections(vault: Vault) {
    let mut ticks = ticks(CONNECTIONS_INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(error) = vault.settle_received().await {
            tracing::warn!(%error, "what was received for connections is settled later");
        }
        if let Err(error) = vault.record_use().await {
            tracing::warn!(%error, "when connections were last used is written down later");
        }
    }
}

async fn collect_garbage(store: Store, clock: Arc<dyn Clock>) {
    let mut ticks = ticks(GARBAGE_INTERVAL);
    loop {
        ticks.tick().await;
        match store.collect_garbage(clock.now()).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "expired rows deleted"),
            Err(error) => tracing::warn!(%error, "expired rows stay for another minute"),
        }
    }
}

/// A tick that comes late does not bring the missed ones along.
fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
