//! One task per owner and provider does what all who wait there want.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    attempt::Attempt,
    made::{has_to_reconnect, never_connected},
    step::{Otherwise, Step, decide},
};
use crate::{
    cache::Key,
    connection::ConnectionId,
    credential::Credential,
    error::CredentialError,
    owner::Owner,
    provider::{Provider, ProviderName},
    vault::Vault,
};

/// How long to wait before the row is looked at again that another node has: the first time, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));
/// How often a caller boards whose flight was begun for somebody who wanted less.
const BOARDINGS: u32 = 3;

pub(super) type Outcome = Result<Arc<Credential>, CredentialError>;

/// What is good enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whatever is valid.
    Valid,
    /// Another one than this, which was refused.
    After {
        /// The connection it was of.
        connection: ConnectionId,
        /// Its generation.
        generation: i64,
    },
}

impl Wanted {
    /// Whether this one is not good enough.
    pub(super) fn refuses(&self, connection: &str, generation: i64) -> bool {
        match self {
            Self::Valid => false,
            Self::After { connection: refused, generation: last } => {
                refused.as_str() == connection && generation <= *last
            }
        }
    }

    fn is_met_by(&self, credential: &Credential) -> bool {
        !self.refuses(credential.connection.as_str(), credential.generation)
    }
}

/// The flights that are under way.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>);

impl Vault {
    /// A credential that is good enough: the slow way.
    pub(crate) async fn obtain(&self, owner: &Owner, provider: &ProviderName, wanted: Wanted) -> Outcome {
        let provider = self.provider(provider).ok_or(CredentialError::UnknownProvider)?;
        if let Some(credential) = self.of_configuration(&provider, owner)? {
            return Ok(credential);
        }
        let owner = provider.keeper(owner);
        let cached = self
            .0
            .cache
            .get(owner, &provider.name)
            .filter(|cached| wanted.is_met_by(cached) && cached.is_valid(self.now()));
        let Some(cached) = cached else {
            return self.wait_for_flight(&provider, owner, wanted).await;
        };
        if cached.is_fresh(self.now()) {
            return Ok(cached);
        }
        // Due, and good for a while: nobody has to wait for the new one.
        if is_early(&cached, self) {
            self.board(&provider, owner, &wanted);
            return Ok(cached);
        }
        match self.wait_for_flight(&provider, owner, wanted).await {
            Err(CredentialError::Vault(_) | CredentialError::Unavailable { .. }) => Ok(cached),
            outcome => outcome,
        }
    }

    async fn wait_for_flight(&self, provider: &Arc<Provider>, owner: &Owner, wanted: Wanted) -> Outcome {
        for _ in 0..BOARDINGS {
            let mut flight = self.board(provider, owner, &wanted);
            let landed = timeout(self.0.settings.refresh.patience, flight.wait_for(Option::is_some)).await;
            let outcome = match landed {
                Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(takes_too_long())),
                Ok(Err(_)) | Err(_) => return Err(takes_too_long()),
            };
            match outcome {
                Ok(credential) if !wanted.is_met_by(&credential) => {}
                outcome => return outcome,
            }
        }
        Err(takes_too_long())
    }

    /// The flight of this owner and provider, begun if there is none.
    fn board(
        &self,
        provider: &Arc<Provider>,
        owner: &Owner,
        wanted: &Wanted,
    ) -> watch::Receiver<Option<Outcome>> {
        let key = Key { owner: owner.clone(), provider: provider.name.clone() };
        let mut flights = self.0.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (land, flight) = watch::channel(None);
        flights.insert(key.clone(), flight.clone());
        let (vault, provider, wanted) = (self.clone(), Arc::clone(provider), wanted.clone());
        tokio::spawn(async move {
            let leaving = Leaving { vault: &vault, key: &key };
            let outcome = vault.fly(&provider, &key.owner, &wanted).await;
            // Nobody boards any more when the outcome is there: it may be old the next moment.
            drop(leaving);
            land.send_replace(Some(outcome));
        });
        flight
    }

    /// Waits until every renewal that is under way has ended and is stored, up to `patience`; whether all have. A process
    /// that ends before may lose what a provider has given it.
    pub async fn drain(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if self.is_idle() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(POLL.0).await;
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        let is_empty = self.0.flights.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        is_empty && self.0.unstored.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    async fn fly(&self, provider: &Arc<Provider>, owner: &Owner, wanted: &Wanted) -> Outcome {
        let refresh = self.0.settings.refresh;
        let deadline = Instant::now() + refresh.patience;
        let (mut pause, longest) = POLL;
        loop {
            let Some(held) = self.held(owner, provider).await? else {
                return Err(never_connected(owner, provider));
            };
            match decide(&held, wanted, (self.now(), refresh.ahead), provider.repeats()) {
                Step::Use => return self.give_out(provider, &held).await,
                Step::Ended(_) if !provider.is_connectable() => self.start_again(&held).await?,
                Step::Ended(reason) => return Err(has_to_reconnect(&held, provider, reason)),
                Step::End(reason) => self.break_off(&held, reason).await?,
                Step::Pause(pause) => return Err(is_paused(pause)),
                Step::Wait => {}
                Step::Renew { can_wait, otherwise } => match self.attempt(provider, &held, can_wait).await? {
                    Attempt::Renewed(credential) => return Ok(credential),
                    Attempt::Ended | Attempt::Again => continue,
                    Attempt::Taken | Attempt::Failed(_) if otherwise == Otherwise::Use => {
                        return self.give_out(provider, &held).await;
                    }
                    Attempt::Failed(error) => return Err(error),
                    Attempt::Taken => {}
                },
            }
            if Instant::now() >= deadline {
                return Err(takes_too_long());
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

/// Takes the flight off the board, also when it crashed.
struct Leaving<'a> {
    vault: &'a Vault,
    key: &'a Key,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.vault.0.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.key);
    }
}

/// Whether less than half of the time is over in which it is to be renewed.
fn is_early(credential: &Credential, vault: &Vault) -> bool {
    let (Some(renew_at), Some(expires_at)) = (credential.renew_at, credential.expires_at) else {
        return false;
    };
    expires_at.since(vault.now()) > expires_at.since(renew_at) / 2
}

fn takes_too_long() -> CredentialError {
    CredentialError::Unavailable {
        retry_after: Duration::from_secs(1),
        told: "the credential is still being renewed",
    }
}

fn is_paused(pause: Duration) -> CredentialError {
    CredentialError::Unavailable {
        retry_after: pause.max(Duration::from_secs(1)),
        told: "the provider could not renew the credential a short time ago",
    }
}
