//! Leases: to count on a connection to stay as it is, or to change it alone.
//!
//! A lease is a row with an end, which a heartbeat prolongs. One that is dropped runs out by itself; one whose holder was
//! stopped too long is lost, and the fence keeps it from writing (VA-15). Nobody waits for a lease of their own: a renewal
//! that has to be made does not wait for leases at all, and one that can wait is put off.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use oauth::Scope;
use store::{CommitError, ConnectionLeaseRecord, LeaseMode, connection_lease};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{
    connection::ConnectionId,
    credential::Credential,
    error::{CredentialError, VaultError},
    keep::refused_as,
    owner::Owner,
    provider::ProviderName,
    vault::Vault,
};

/// How long a lease lasts unless it is prolonged, which is done three times as often.
const LASTS: Duration = Duration::from_secs(30);
/// How often one looks whether it is one's turn: the first time, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// A lease on a connection, until it is released, dropped or lost.
#[derive(Debug)]
pub struct Lease {
    vault: Vault,
    owner: Owner,
    connection: ConnectionId,
    record: ConnectionLeaseRecord,
    is_lost: Arc<AtomicBool>,
    heartbeat: AbortHandle,
}

impl Vault {
    /// The credential of `owner` at `provider` together with a lease: until it ends, nobody changes the connection, and a
    /// renewal that can wait is put off. Waits for a change that is under way, up to `patience`.
    pub async fn acquire(
        &self,
        owner: &Owner,
        provider: &ProviderName,
        needed: &Scope,
        patience: Duration,
    ) -> Result<(Arc<Credential>, Lease), CredentialError> {
        let credential = self.credential(owner, provider, needed).await?;
        let id = credential.connection.clone();
        let lease = self.lease(&credential.owner, &id, LeaseMode::Shared, patience).await?;
        // It may have been changed before the lease was there, on a node whose changes were not heard of yet.
        self.0.cache.forget(credential.owner(), provider);
        let credential = self.credential(owner, provider, needed).await?;
        if *credential.connection_id() != id {
            lease.release().await?;
            return Err(VaultError::Changed.into());
        }
        Ok((credential, lease))
    }

    /// The lease to change a connection alone. Waits for those who use it, up to `patience`; nobody new comes before.
    pub async fn acquire_for_update(
        &self,
        owner: &Owner,
        id: &ConnectionId,
        patience: Duration,
    ) -> Result<Lease, VaultError> {
        self.lease(owner, id, LeaseMode::Exclusive, patience).await
    }

    async fn lease(
        &self,
        owner: &Owner,
        connection: &ConnectionId,
        mode: LeaseMode,
        patience: Duration,
    ) -> Result<Lease, VaultError> {
        let holder = ConnectionId::mint(&*self.0.settings.random).as_str().replace("connection_", "lease_");
        let text = owner.to_string();
        let of = (connection.as_str(), text.as_str());
        let store = &self.0.settings.store;
        if mode == LeaseMode::Exclusive {
            store
                .stand_in_line(&holder, of, LASTS)
                .await
                .map_err(refused_as(VaultError::NoSuchConnection))?;
        }
        // Whoever is cancelled here leaves the line: else everybody would wait for them.
        let mut place = InLine { vault: self, id: (mode == LeaseMode::Exclusive).then(|| holder.clone()) };
        let deadline = Instant::now() + patience;
        let (mut pause, longest) = POLL;
        loop {
            let taken = match mode {
                LeaseMode::Shared => store.share_connection(&holder, of, LASTS).await,
                LeaseMode::Exclusive => store.take_turn(&holder, of, LASTS).await,
            };
            if let Some(record) = taken.map_err(refused_as(VaultError::NoSuchConnection))? {
                place.id = None;
                return Ok(self.held_lease(owner.clone(), connection.clone(), record));
            }
            if Instant::now() >= deadline {
                let retry_after = store.leases_end_in(connection.as_str()).await?;
                return Err(VaultError::InUse { retry_after: retry_after.max(Duration::from_secs(1)) });
            }
            sleep(pause.min(deadline - Instant::now())).await;
            pause = (pause * 2).min(longest);
            if mode == LeaseMode::Exclusive {
                let stay = connection_lease::prolong(&holder, LASTS);
                store.commit(stay).await.map_err(refused_as(VaultError::LeaseLost))?;
            }
        }
    }

    fn held_lease(&self, owner: Owner, connection: ConnectionId, record: ConnectionLeaseRecord) -> Lease {
        let is_lost = Arc::new(AtomicBool::new(false));
        let beat = beat(self.clone(), record.id.clone(), Arc::clone(&is_lost));
        let heartbeat = tokio::spawn(beat).abort_handle();
        Lease { vault: self.clone(), owner, connection, record, is_lost, heartbeat }
    }
}

/// A place in the line, left when this is dropped.
struct InLine<'a> {
    vault: &'a Vault,
    id: Option<String>,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let vault = self.vault.clone();
            tokio::spawn(async move { vault.0.settings.store.commit(connection_lease::release(&id)).await });
        }
    }
}

/// Prolongs a lease until somebody says that it is gone. A database that is away may come back in time.
async fn beat(vault: Vault, id: String, is_lost: Arc<AtomicBool>) {
    loop {
        sleep(LASTS / 3).await;
        let prolonged = vault.0.settings.store.commit(connection_lease::prolong(&id, LASTS)).await;
        if let Err(CommitError::Refused(_)) = prolonged {
            is_lost.store(true, Ordering::Relaxed);
            tracing::warn!(lease = %id, "a lease on a connection has run out");
            return;
        }
    }
}

impl Lease {
    /// The connection.
    pub fn connection_id(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whose it is.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whether it is known to have run out.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    pub(crate) fn record(&self) -> &ConnectionLeaseRecord {
        &self.record
    }

    /// Ends it now.
    pub async fn release(self) -> Result<(), VaultError> {
        let release = connection_lease::release(&self.record.id);
        self.vault.0.settings.store.commit(release).await.map_err(refused_as(VaultError::LeaseLost))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}
