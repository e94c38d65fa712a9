//! What connections there are, for people and programs: nothing here can show a secret.

use std::{sync::atomic::Ordering, time::Duration};

use audit::{Event, Kind, Outcome};
use oauth::{Scope, Timestamp};
use store::{Batch, CommitError, ConnectionRecord, Statement, connection};
use tokio::time::{Instant, timeout_at};

use crate::{
    connection::{Connection, ConnectionId, ConnectionState},
    error::VaultError,
    owner::Owner,
    provider::ProviderName,
    vault::Vault,
};

/// How often a waiting caller looks itself, should another node's change not be heard of.
const LOOK: Duration = Duration::from_millis(500);

/// How many uses are written down in one transaction.
const USES: usize = 500;

impl Vault {
    /// Whether there is a connection of this owner at this provider, in whatever state.
    pub async fn exists(&self, owner: &Owner, provider: &ProviderName) -> Result<bool, VaultError> {
        Ok(self.connections(owner).await?.iter().any(|connection| connection.provider == *provider))
    }

    /// A connection of this owner.
    pub async fn get(&self, owner: &Owner, id: &ConnectionId) -> Result<Option<Connection>, VaultError> {
        Ok(self.connections(owner).await?.into_iter().find(|connection| connection.id == *id))
    }

    /// The connections of an owner, those of a provider together, the chosen one first.
    pub async fn connections(&self, owner: &Owner) -> Result<Vec<Connection>, VaultError> {
        let records = self.0.settings.store.connections_of(&owner.to_string()).await?;
        let mut former = None;
        let is_first = |record: &ConnectionRecord| {
            former.replace(record.provider.clone()) != Some(record.provider.clone())
        };
        let chosen: Vec<bool> = records.iter().map(is_first).collect();
        records.iter().zip(chosen).map(|(record, is_chosen)| Connection::read(record, is_chosen)).collect()
    }

    /// Up to `limit` connections of everybody, those after the identifier `after`: for operators, who see that there are
    /// connections and never what is in them (VA-19).
    pub async fn all_connections(
        &self,
        after: Option<&ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Connection>, VaultError> {
        let after = after.map_or("", ConnectionId::as_str);
        let records = self.0.settings.store.connections_after(after, i64::from(limit)).await?;
        records.iter().map(|record| Connection::read(record, false)).collect()
    }

    /// Waits until the owner has a connection at the provider that works and may do what `scope` says; whether that came
    /// about within `up_to`. May be dropped at any time.
    pub async fn wait_connected(
        &self,
        owner: &Owner,
        provider: &ProviderName,
        scope: &Scope,
        up_to: Duration,
    ) -> bool {
        let deadline = Instant::now() + up_to;
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_usable(owner, provider, scope).await {
                return true;
            }
            let next = deadline.min(Instant::now() + LOOK);
            drop(timeout_at(next, changed).await);
            if Instant::now() >= deadline {
                return self.is_usable(owner, provider, scope).await;
            }
        }
    }

    async fn is_usable(&self, owner: &Owner, provider: &ProviderName, scope: &Scope) -> bool {
        let is_it = |connection: &Connection| {
            connection.provider == *provider
                && connection.is_chosen
                && connection.state == ConnectionState::Connected
                && scope.is_subset_of(&connection.scope)
        };
        // A database that is away says nothing; the next look may.
        self.connections(owner).await.is_ok_and(|connections| connections.iter().any(is_it))
    }

    /// Writes down when credentials were last given out: to be called once a minute. It touches nothing that a renewal
    /// needs (VA-11).
    pub async fn record_use(&self) -> Result<(), VaultError> {
        let used = self.0.cache.all().filter_map(|credential| {
            let used_at = credential.used_at.swap(0, Ordering::Relaxed);
            let is_stored = credential.generation > 0;
            (used_at > 0 && is_stored).then(|| {
                connection::used(credential.connection.as_str(), Timestamp::from_milliseconds(used_at))
            })
        });
        let used: Vec<Statement> = used.collect();
        for statements in used.chunks(USES) {
            let batch: Batch = statements.iter().cloned().collect();
            match self.0.settings.store.commit(batch).await {
                Ok(()) | Err(CommitError::Refused(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(crate) fn ended_event(record: &ConnectionRecord) -> Event {
        let event = Event::new(Kind::ConnectionEnded, Outcome::Succeeded)
            .detail("connection", &record.id)
            .detail("owner", &record.owner)
            .detail("provider", &record.provider);
        match &record.account_name {
            Some(name) => event.account(name),
            None => event,
        }
    }
}

impl Connection {
    /// The event of its making.
    pub fn made_event(&self) -> Event {
        let event = Event::new(Kind::ConnectionMade, Outcome::Succeeded)
            .detail("connection", &self.id)
            .detail("owner", &self.owner)
            .detail("provider", &self.provider)
            .detail("scope", &self.scope);
        match self.account_name.as_ref().or(self.account.as_ref()) {
            Some(name) => event.account(name),
            None => event,
        }
    }
}
