//! The keys of an issuer, kept.
//!
//! A token with a key that is there is verified at once while the keys are fresh. Otherwise they are fetched, by one
//! request for all that wait, and never twice within [`FLOOR`], whatever the tokens name: a flood of invented key
//! identifiers is a flood here and not at the issuer. While the issuer cannot be reached, the keys that are there are
//! used for [`STALE`].

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use oauth::{Clock, Issuer, Timestamp, jwk, jws::VerifyingKey};
use outbound::Client;
use tokio::sync::Mutex;

use super::{
    Unavailable,
    discovery::{self, DiscoveryError},
};

/// How long fetched keys are used without asking again. A key that its issuer withdraws is used here so much longer.
const FRESH: Duration = Duration::from_mins(5);
/// The least time between two attempts to fetch.
const FLOOR: Duration = Duration::from_secs(10);
/// How old keys may get while the issuer cannot be reached.
const STALE: Duration = Duration::from_hours(1);

/// The keys of one issuer.
pub(super) struct KeySet {
    issuer: Issuer,
    client: Client,
    clock: Arc<dyn Clock>,
    known: ArcSwapOption<Known>,
    attempt: Mutex<Option<Attempt>>,
}

struct Known {
    keys: Arc<Vec<VerifyingKey>>,
    fetched_at: Timestamp,
}

struct Attempt {
    at: Timestamp,
    /// An attempt that nobody waited for to the end has not succeeded.
    succeeded: bool,
}

impl Known {
    fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == kid)
    }
}

impl KeySet {
    pub(super) fn new(issuer: Issuer, client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, client, clock, known: ArcSwapOption::empty(), attempt: Mutex::new(None) }
    }

    /// The keys, with the one called `kid` among them if the issuer has it.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not there, and whether the issuer has it cannot be found out now.
    pub(super) async fn with_key(&self, kid: &str) -> Result<Arc<Vec<VerifyingKey>>, Unavailable> {
        if let Some(keys) = self.named(kid, FRESH) {
            return Ok(keys);
        }
        let mut attempt = match (self.attempt.try_lock(), self.named(kid, STALE)) {
            (Ok(attempt), _) => attempt,
            // Somebody is asking already: nobody waits who need not.
            (Err(_), Some(keys)) => return Ok(keys),
            (Err(_), None) => self.attempt.lock().await,
        };
        if let Some(keys) = self.named(kid, FRESH) {
            return Ok(keys);
        }
        let now = self.clock.now();
        if attempt.as_ref().is_none_or(|last| now.since(last.at) >= FLOOR) {
            *attempt = Some(Attempt { at: now, succeeded: false });
            let succeeded = self.fetch(now).await;
            *attempt = Some(Attempt { at: now, succeeded });
        }
        let succeeded = attempt.as_ref().is_some_and(|last| last.succeeded);
        match (self.named(kid, STALE), self.known.load_full()) {
            (Some(keys), _) => Ok(keys),
            // What the issuer had a moment ago is all that it has.
            (None, Some(known)) if succeeded => Ok(Arc::clone(&known.keys)),
            _ => Err(Unavailable),
        }
    }

    /// The keys, if they are younger than `age` and the one called `kid` is among them.
    fn named(&self, kid: &str, age: Duration) -> Option<Arc<Vec<VerifyingKey>>> {
        let known = self.known.load();
        let known = known.as_ref()?;
        let is_young = self.clock.now().since(known.fetched_at) < age;
        (is_young && known.has(kid)).then(|| Arc::clone(&known.keys))
    }

    async fn fetch(&self, now: Timestamp) -> bool {
        match self.keys().await {
            Ok(keys) => {
                tracing::debug!(issuer = %self.issuer, keys = keys.len(), "keys of an issuer fetched");
                self.known.store(Some(Arc::new(Known { keys: Arc::new(keys), fetched_at: now })));
                true
            }
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, %error, "the keys of an issuer cannot be fetched");
                false
            }
        }
    }

    async fn keys(&self) -> Result<Vec<VerifyingKey>, DiscoveryError> {
        let metadata = discovery::metadata(&self.client, &self.issuer).await?;
        let url = metadata.jwks_uri.ok_or(DiscoveryError::Missing("jwks_uri"))?;
        let document = discovery::document(&self.client, &url).await?;
        jwk::verifying_keys(&document).map_err(|_| DiscoveryError::Malformed(url))
    }
}
