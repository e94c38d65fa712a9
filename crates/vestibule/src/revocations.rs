//! Carries revocations from the database to the guards of this node: the ones made here at once, those of other nodes
//! with the next question.

use std::{sync::Arc, time::Duration};

use guard::RevokedTokens;
use oauth::{Clock, Timestamp};
use store::{RevocationKey, RevocationRecord, Store, StoreError};

/// How far each question reaches back before the last one: more than the clocks of the nodes differ and a commit
/// takes. What was seen before changes nothing.
const OVERLAP: Duration = Duration::from_secs(30);

/// What this node knows of revocations, and how far.
pub(crate) struct Revocations {
    store: Store,
    revoked: RevokedTokens,
    clock: Arc<dyn Clock>,
    known_until: Timestamp,
}

impl Revocations {
    /// Knows nothing yet: the first question asks for everything that is still in force.
    pub(crate) fn new(store: Store, revoked: RevokedTokens, clock: Arc<dyn Clock>) -> Self {
        Self { store, revoked, clock, known_until: Timestamp::from_milliseconds(0) }
    }

    /// Learns what happened since the last time.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let records = self.store.revocations_since(self.known_until - OVERLAP, now).await?;
        for record in &records {
            apply(&self.revoked, record);
        }
        self.known_until = now;
        Ok(())
    }

    /// Forgets what no unexpired token can need.
    pub(crate) fn forget_expired(&self) {
        self.revoked.forget_expired(self.clock.now());
    }
}

/// Tells the guards of one revocation.
pub(crate) fn apply(revoked: &RevokedTokens, record: &RevocationRecord) {
    match &record.key {
        RevocationKey::Grant(grant) => revoked.revoke_grant(grant.clone(), record.expires_at),
        RevocationKey::AccessToken(token) => revoked.revoke_token(token.clone(), record.expires_at),
    }
}
