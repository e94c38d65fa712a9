//! One attempt to renew a credential.

use std::{sync::Arc, time::Duration};

use audit::{Event, Kind, Outcome};
use secret::{Digest, OpenError};
use store::{Batch, Claim, CommitError, HeldCredential, Statement, connection, credential};
use tokio::time::timeout;

use super::{
    step::Repeats,
    verdict::{self, Circumstances, Verdict},
};
use crate::{
    connection::ReconnectReason,
    credential::Credential,
    error::{CredentialError, VaultError},
    provider::{Failure, Provider, ProviderKind, Tokens},
    renewing::Renewal,
    secrets::Secrets,
    vault::Vault,
};

/// How an attempt went.
pub(super) enum Attempt {
    /// The provider gave a new credential.
    Renewed(Arc<Credential>),
    /// Somebody else has it, or uses the connection.
    Taken,
    /// A person has to connect again; the row says so.
    Ended,
    /// Another look is worthwhile at once.
    Again,
    /// Not now.
    Failed(CredentialError),
}

/// A credential that this node has taken.
#[derive(Clone, Copy)]
pub(super) struct Took<'a> {
    pub(super) held: &'a HeldCredential,
    pub(super) fence: i64,
    /// Whether it is renewed because it was refused before its end.
    pub(super) is_refused: bool,
}

impl Provider {
    /// How often one refresh token may be presented when its outcome is not known.
    pub(super) fn repeats(&self) -> Repeats {
        let quirks = self.authorization_server().map(|server| &server.quirks);
        match (&self.kind, quirks) {
            (ProviderKind::AuthorizationCode(_), Some(quirks)) if !quirks.refresh_rotates => Repeats::Always,
            (ProviderKind::AuthorizationCode(_), Some(quirks)) if quirks.refresh_repeats => Repeats::Once,
            (ProviderKind::AuthorizationCode(_), _) => Repeats::Never,
            // Nothing is presented that a second use could spoil.
            _ => Repeats::Always,
        }
    }
}

impl Vault {
    /// Takes the credential, asks the provider, stores what it gave.
    pub(super) async fn attempt(
        &self,
        provider: &Arc<Provider>,
        held: &HeldCredential,
        can_wait: bool,
    ) -> Result<Attempt, CredentialError> {
        if self.is_unstored(&held.connection.id) {
            return Ok(Attempt::Failed(CredentialError::Unavailable {
                retry_after: Duration::from_secs(5),
                told: "the renewed credential is not stored yet",
            }));
        }
        let secrets = match self.open_sealed(held) {
            Ok(secrets) => secrets,
            Err(error @ OpenError::UnknownKey) => return Err(VaultError::Sealed(error).into()),
            Err(_) => {
                self.break_off(held, ReconnectReason::Damaged).await?;
                return Ok(Attempt::Ended);
            }
        };
        let places = self.places_of(&provider.name);
        let _place = places.acquire().await;
        let presented = presented(&secrets);
        let claim = Claim {
            connection_id: &held.connection.id,
            fence: held.credential.fence,
            generation: held.credential.generation,
            node: &self.0.node,
            lasts: self.0.settings.refresh.lease,
            intent: &presented,
            can_wait,
        };
        let Some(fence) = self.0.settings.store.take_credential(&claim).await.map_err(VaultError::from)?
        else {
            return Ok(Attempt::Taken);
        };
        match self.ask_provider(provider, held, &secrets).await {
            Ok(tokens) => {
                // What has to be renewed before its end was refused.
                let is_refused =
                    !can_wait && held.credential.sealed.expires_at.is_none_or(|end| self.now() < end);
                let took = Took { held, fence, is_refused };
                self.store_renewed(provider, took, secrets, tokens).await
            }
            Err(failure) => self.failed(provider, (held, fence), &failure).await,
        }
    }

    async fn ask_provider(
        &self,
        provider: &Provider,
        held: &HeldCredential,
        secrets: &Secrets,
    ) -> Result<Tokens, Failure> {
        let time = self.0.settings.refresh.provider_time;
        let owner = held.connection.owner.parse().map_err(|_| Failure::Unreadable("its owner is unknown"))?;
        let renewal = Renewal { owner: &owner, scope: &held.connection.scope, secrets, time };
        let host = provider.name.to_string();
        let late = |_| Err(Failure::OutcomeUnknown(outbound::Error::Timeout { host, limit: time }));
        // The way out has the same limit; this one holds whatever the way out does.
        timeout(time, self.0.renewing.renew(self, provider, renewal)).await.unwrap_or_else(late)
    }

    /// Writes down what the failure means.
    async fn failed(
        &self,
        provider: &Provider,
        (held, fence): (&HeldCredential, i64),
        failure: &Failure,
    ) -> Result<Attempt, CredentialError> {
        let (id, row) = (&held.connection.id, &held.credential);
        let circumstances = Circumstances {
            failures: row.failures,
            attempts: row.attempts + 1,
            repeats: provider.repeats(),
            is_connectable: provider.is_connectable(),
            chance: self.chance(),
        };
        tracing::warn!(connection = %id, provider = %provider.name, %failure, "a credential was not renewed");
        let (statement, pause) = match verdict::judge(failure, circumstances) {
            // A loser's `invalid_grant` is about a refresh token that the winner has replaced: then this is refused.
            Verdict::End(reason) => return self.end_taken(held, fence, reason).await,
            Verdict::Later(pause) => (credential::give_back(id, fence, pause), pause),
            Verdict::Again(pause) => (credential::keep_intent(id, fence, pause), pause),
        };
        self.tell_of_failure(held, failure).await;
        match self.0.settings.store.commit(statement).await {
            Ok(()) if pause.is_zero() => Ok(Attempt::Again),
            Ok(()) => Ok(Attempt::Failed(CredentialError::Unavailable {
                retry_after: pause.max(Duration::from_secs(1)),
                told: verdict::told(failure),
            })),
            Err(CommitError::Refused(_)) => Ok(Attempt::Again),
            Err(CommitError::Store(error)) => Err(VaultError::from(error).into()),
        }
    }

    /// Ends a connection that this node has not taken.
    pub(super) async fn break_off(
        &self,
        held: &HeldCredential,
        reason: ReconnectReason,
    ) -> Result<(), CredentialError> {
        self.end_taken(held, held.credential.fence, reason).await.map(drop)
    }

    async fn end_taken(
        &self,
        held: &HeldCredential,
        fence: i64,
        reason: ReconnectReason,
    ) -> Result<Attempt, CredentialError> {
        let ended = credential::end(&held.connection.id, fence, held.credential.generation);
        match self.commit_end(held, ended, reason).await {
            Ok(()) => {}
            // Somebody renewed or took it since: what they made of it counts.
            Err(CommitError::Refused(_)) => return Ok(Attempt::Again),
            Err(CommitError::Store(error)) => return Err(VaultError::from(error).into()),
        }
        tracing::warn!(connection = %held.connection.id, reason = reason.as_str(), "a connection has to be made again");
        self.record(held, Kind::ConnectionBroken, Outcome::Failed, ("reason", reason.as_str())).await;
        Ok(Attempt::Ended)
    }

    async fn commit_end(
        &self,
        held: &HeldCredential,
        ended: Statement,
        reason: ReconnectReason,
    ) -> Result<(), CommitError> {
        let connection = &held.connection;
        let broken = connection::needs_reconnect(&connection.id, connection.generation, reason.as_str());
        let batch = Batch::new().then(ended).then(broken).then(connection::changed(&connection.id));
        self.0.settings.store.commit(batch).await?;
        self.forget(&connection.owner, &connection.provider);
        Ok(())
    }

    async fn tell_of_failure(&self, held: &HeldCredential, failure: &Failure) {
        let what = ("failure", verdict::told(failure));
        self.record(held, Kind::CredentialRefresh, Outcome::Failed, what).await;
    }

    /// Records an event about a connection, if the audit log takes it: what has happened at a provider cannot be refused.
    pub(super) async fn record(
        &self,
        held: &HeldCredential,
        kind: Kind,
        outcome: Outcome,
        detail: (&str, &str),
    ) {
        match self.0.settings.auditor.reserve().await {
            Ok(place) => place.record(event(held, kind, outcome).detail(detail.0, detail.1)),
            Err(error) => {
                tracing::error!(connection = %held.connection.id, %error, "an event was not recorded");
            }
        }
    }
}

fn event(held: &HeldCredential, kind: Kind, outcome: Outcome) -> Event {
    let connection = &held.connection;
    let event = Event::new(kind, outcome)
        .detail("connection", &connection.id)
        .detail("owner", &connection.owner)
        .detail("provider", &connection.provider);
    match &connection.account_name {
        Some(name) => event.account(name),
        None => event,
    }
}

/// What the intent says: the digest of the refresh token, or of nothing where none is presented.
fn presented(secrets: &Secrets) -> Digest {
    let token = secrets.refresh_token.as_ref().map_or("", |token| token.expose());
    Digest::of(token.as_bytes())
}
