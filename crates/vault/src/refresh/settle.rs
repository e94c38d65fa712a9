//! Renewals that were begun by somebody who is gone.

use store::{CommitError, HeldCredential, credential};
use tokio::task::JoinSet;

use super::attempt::Attempt;
use crate::{
    connection::ReconnectReason,
    error::{CredentialError, VaultError},
    provider::ProviderName,
    vault::Vault,
};

/// Rows that are read at once.
const PAGE: i64 = 200;

/// What became of renewals of unknown outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Renewed after all.
    pub renewed: u64,
    /// A person has to connect again.
    pub ended: u64,
    /// Still open: somebody else is at it, or the provider is away.
    pub open: u64,
}

impl Settled {
    fn count(&mut self, attempt: Option<&Attempt>) {
        match attempt {
            Some(Attempt::Renewed(_)) => self.renewed += 1,
            Some(Attempt::Ended) => self.ended += 1,
            Some(_) => self.open += 1,
            None => {}
        }
    }
}

impl Vault {
    /// Settles the renewals that were begun by a process that is gone: once more where the provider takes that well, else
    /// the person is told to connect again. To be called at the start, and now and then.
    pub async fn settle_intents(&self) -> Result<Settled, VaultError> {
        self.leave_former().await?;
        let mut settled = Settled::default();
        let mut after = String::new();
        loop {
            let page = self.0.settings.store.abandoned_renewals(&after, PAGE).await?;
            // At once: a provider that does not answer is waited for once and not once for each connection.
            let mut under_way = JoinSet::new();
            for id in &page {
                let (vault, id) = (self.clone(), id.clone());
                under_way.spawn(async move { vault.settle(&id).await });
            }
            while let Some(attempt) = under_way.join_next().await {
                match attempt {
                    Ok(attempt) => settled.count(attempt?.as_ref()),
                    Err(error) => tracing::error!(%error, "a renewal was not settled"),
                }
            }
            match page.last() {
                Some(last) => after.clone_from(last),
                None => return Ok(settled),
            }
        }
    }

    /// Nobody waits for the leases of a process that had this one's name, and is therefore gone.
    async fn leave_former(&self) -> Result<(), VaultError> {
        // Later on, its leases may be our own.
        let Some(node) = self.0.settings.node.as_deref().filter(|_| self.is_idle()) else { return Ok(()) };
        match self.0.settings.store.commit(credential::leave(node)).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn settle(&self, id: &str) -> Result<Option<Attempt>, VaultError> {
        let held = self.0.settings.store.held_credential(id).await?;
        let Some(held) = held.filter(is_abandoned) else { return Ok(None) };
        let name = ProviderName::parse(&held.connection.provider);
        // A provider that is not configured any more may come back.
        let Some(provider) = name.and_then(|name| self.provider(&name)) else {
            return Ok(Some(Attempt::Taken));
        };
        let attempt = if provider.repeats().allow(held.credential.attempts) {
            self.attempt(&provider, &held, false).await
        } else {
            self.break_off(&held, ReconnectReason::UnknownOutcome).await.map(|()| Attempt::Ended)
        };
        match attempt {
            Ok(attempt) => Ok(Some(attempt)),
            Err(CredentialError::Vault(error)) => Err(error),
            Err(error) => Ok(Some(Attempt::Failed(error))),
        }
    }
}

/// As it was when the list was made.
fn is_abandoned(held: &HeldCredential) -> bool {
    held.credential.intent.is_some() && held.credential.leased_until <= held.read_at
}
