//! What becomes of an account that is another one than before, and of what nobody sees to.

use std::time::Duration;

use store::{
    Batch, CommitError, ConnectRequestRecord, ConnectState, Statement, connect_request, provider_revocation,
};

use crate::{
    connect::{
        AccountChoice, Connected, Person,
        error::{ConnectError, ConnectErrorKind, refused_as},
        finish::kind_of,
        outcome::Outcome,
    },
    connection::ConnectionId,
    error::VaultError,
    keep::Keep,
    provider::ProviderName,
    seal::{self, Place},
    secrets::Secrets,
    vault::Vault,
};

/// What was received and is not seen to for this long belongs to a task that died.
const STALE: Duration = Duration::from_mins(1);
/// How many are seen to at once.
const AT_ONCE: i64 = 50;

impl Vault {
    /// The person says what becomes of an account that is another one than before (UP-15).
    pub async fn settle_account(
        &self,
        id: &str,
        person: &Person,
        choice: AccountChoice,
    ) -> Result<Connected, ConnectError> {
        let record = self.answerable(id, person).await?.record;
        if record.state != ConnectState::AccountChanged {
            return Err(ConnectErrorKind::Completed.of(id));
        }
        match choice {
            AccountChoice::Cancel => {
                self.give_up(&record).await?;
                Ok(Connected::Cancelled { id: id.to_owned() })
            }
            AccountChoice::KeepBoth => {
                let pending = self.pending_of(&record)?;
                self.keep_pending(&record, pending, Keep::New, None).await
            }
            AccountChoice::Replace => {
                let pending = self.pending_of(&record)?;
                let (keep, revoked) = self.in_place_of_the_used(&record).await?;
                self.keep_pending(&record, pending, keep, revoked).await
            }
        }
    }

    /// The place of the connection that is used, whose tokens are another account's and are revoked.
    async fn in_place_of_the_used(
        &self,
        record: &ConnectRequestRecord,
    ) -> Result<(Keep, Option<Statement>), ConnectError> {
        let Some(used) = self.connections_at(record).await?.into_iter().next() else {
            return Ok((Keep::New, None));
        };
        let id = ConnectionId::from_unverified(&*used.id);
        let held = self.settings().store.held_credential(&used.id).await?;
        let revoked = held.and_then(|held| {
            let place = Place::of(&held);
            let secrets = seal::open(&self.settings().keyring, place, &held.credential.sealed).ok()?;
            let revocation = self.revocation(&held.connection.provider, &held.connection.kind, &secrets)?;
            Some(provider_revocation::insert(&revocation, Self::REVOKED_WITHIN))
        });
        Ok((Keep::Replace(id), revoked))
    }

    /// Sees to what was received by tasks that died, and revokes what waited longer than a day for its person: at the
    /// start, and every minute.
    pub async fn settle_received(&self) -> Result<(), VaultError> {
        let now = self.now();
        let left = self.settings().store.left_over_connect_requests(now - STALE, now, AT_ONCE).await?;
        for record in left {
            let outcome = match record.state {
                ConnectState::Received if record.expires_at > now => self.finish(&record.id).await.map(drop),
                _ => self.give_up(&record).await,
            };
            if let Err(error) = outcome {
                tracing::warn!(request = %record.id, %error, "what was received for a connection is not settled");
            }
        }
        Ok(())
    }

    /// Forgets what was received, and has the provider told.
    async fn give_up(&self, record: &ConnectRequestRecord) -> Result<(), ConnectError> {
        let id = record.id.as_str();
        let received = self.pending_of(record)?;
        let outcome = Outcome::default().to_text();
        let ended = connect_request::complete(id, record.state, ConnectState::Declined, &outcome, self.now());
        let mut batch = Batch::new().then(ended);
        // An account that the provider would not name may be the one that is connected: revoking it could end both.
        if received.account.is_some() || self.connections_at(record).await?.is_empty() {
            let secrets = Secrets {
                credential: received.access_token,
                refresh_token: received.refresh_token,
                issued_by: None,
            };
            let kind = ProviderName::parse(&record.provider).and_then(|name| self.known(&name));
            let kind = kind.map_or("oauth", |known| kind_of(&known.provider.kind));
            if let Some(revocation) = self.revocation(&record.provider, kind, &secrets) {
                batch = batch.then(provider_revocation::insert(&revocation, Self::REVOKED_WITHIN));
            }
        }
        let ended = self.settings().store.commit(batch).await;
        ended.map_err(|error: CommitError| refused_as(error, ConnectErrorKind::Completed, id))
    }
}
