//! Providers are told of connections that are gone.

use std::time::Duration;

use secret::Location;
use store::{CommitError, ProviderRevocationRecord, provider_revocation};

use crate::{
    connection::ConnectionId,
    error::VaultError,
    provider::{Failure, ProviderName},
    secrets::Secrets,
    vault::Vault,
};

const TABLE: &str = "provider_revocations";
/// How many are taken at once.
const PAGE: i64 = 50;
/// The pause after the first attempt; it doubles with each one up to the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_hours(1));

impl Vault {
    /// How long a provider may be away; after that its tokens end by themselves, or the person ends them there.
    pub(crate) const REVOKED_WITHIN: Duration = Duration::from_hours(24);

    /// What the provider is to be told of tokens that nobody will hold any more; `None` when it has nothing that ends.
    pub(crate) fn revocation(
        &self,
        provider: &str,
        kind: &str,
        secrets: &Secrets,
    ) -> Option<ProviderRevocationRecord> {
        if kind != "oauth" {
            return None;
        }
        let settings = &self.0.settings;
        let id = ConnectionId::mint(&*settings.random).as_str().replace("connection_", "revocation_");
        let location = Location { table: TABLE, row: id.as_bytes(), column: "sealed" };
        let sealed = settings.keyring.seal(&*settings.random, location, secrets.to_bytes().expose());
        Some(ProviderRevocationRecord { id, provider: provider.to_owned(), sealed, attempts: 0 })
    }

    /// Tells providers what waits to be told: to be called every few seconds. Says how many were done.
    pub async fn revoke_queued(&self) -> Result<u64, VaultError> {
        let mut done = 0;
        for record in self.0.settings.store.due_provider_revocations(PAGE).await? {
            let (first, longest) = PAUSE;
            let doublings = record.attempts.clamp(0, 8);
            let pause = (first * (1 << doublings)).min(longest);
            if self.0.settings.store.claim_provider_revocation(&record, pause).await?
                && self.revoke_one(&record).await
            {
                let forget = provider_revocation::done(&record.id);
                self.0.settings.store.commit(forget).await.map_err(|error| match error {
                    CommitError::Store(error) => VaultError::from(error),
                    CommitError::Refused(_) => VaultError::Changed,
                })?;
                done += 1;
            }
        }
        Ok(done)
    }

    /// Whether nothing is left to do about it.
    async fn revoke_one(&self, record: &ProviderRevocationRecord) -> bool {
        let location = Location { table: TABLE, row: record.id.as_bytes(), column: "sealed" };
        let opened = self.0.settings.keyring.open(location, &record.sealed).ok();
        let Some(secrets) = opened.as_ref().and_then(Secrets::from_bytes) else {
            tracing::error!(revocation = %record.id, "a queued revocation does not open, and is given up");
            return true;
        };
        let provider = ProviderName::parse(&record.provider).and_then(|name| self.provider(&name));
        let Some(provider) = provider else {
            tracing::warn!(provider = %record.provider, "a token was not revoked: its provider is not configured");
            return true;
        };
        match self.0.renewing.revoke(self, &provider, &secrets).await {
            Ok(_) => true,
            Err(failure) => {
                tracing::warn!(provider = %record.provider, %failure, "a token was not revoked yet");
                matches!(failure, Failure::Gone(_))
            }
        }
    }
}
