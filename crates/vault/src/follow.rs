//! What other nodes change is forgotten here, within a second.

use std::{collections::HashSet, time::Duration};

use oauth::Timestamp;

use crate::{error::VaultError, provider::ProviderName, vault::Vault};

/// How far each question reaches back before the last one: more than a commit takes.
const OVERLAP: Duration = Duration::from_secs(10);
/// Changes are kept for a day: after a longer time without the database nothing in memory is trusted.
const KEPT: Duration = Duration::from_hours(23);

/// Follows the changes of other nodes. Times are the database's.
pub struct Follower {
    vault: Vault,
    known_until: Option<Timestamp>,
    /// What was learned the last time: questions overlap.
    told: HashSet<(String, Timestamp)>,
}

impl Vault {
    /// A follower that knows nothing yet.
    pub fn follow(&self) -> Follower {
        Follower { vault: self.clone(), known_until: None, told: HashSet::new() }
    }

    /// Forgets what is in memory of a connection, and wakes whoever waits for it.
    pub(crate) fn forget(&self, owner: &str, provider: &str) {
        if let (Ok(owner), Some(provider)) = (owner.parse(), ProviderName::parse(provider)) {
            self.0.cache.forget(&owner, &provider);
            self.0.endings.tell(&owner, &provider);
        }
        self.0.changed.notify_waiters();
    }
}

impl Follower {
    /// Learns what happened since the last time: to be called four times a second.
    pub async fn catch_up(&mut self) -> Result<(), VaultError> {
        let inner = &self.vault.0;
        let now = inner.settings.store.database_time().await?;
        let since = self.known_until.unwrap_or(now);
        if now.since(since) > KEPT {
            inner.cache.forget_all();
        }
        let changes = inner.settings.store.connection_changes_since(since - OVERLAP).await?;
        let mut told = HashSet::with_capacity(changes.len());
        for change in &changes {
            if let (Ok(owner), Some(provider)) = (change.owner.parse(), ProviderName::parse(&change.provider))
            {
                inner.cache.forget_before(&owner, &provider, change.changed_at);
                let this = (change.connection_id.clone(), change.changed_at);
                if !self.told.contains(&this) {
                    inner.endings.tell(&owner, &provider);
                }
                told.insert(this);
            }
        }
        if changes.iter().any(|change| change.changed_at >= since) {
            inner.changed.notify_waiters();
        }
        (self.known_until, self.told) = (Some(now), told);
        Ok(())
    }
}
