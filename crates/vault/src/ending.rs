//! What stands open with a credential learns that its connection has ended: here, or on another node.
//!
//! 1. Whoever has something open waits in the place of the connection's owner and provider ([`Vault::ended`]).
//! 2. A change of that connection wakes this place alone, from this node at once and from others with what is followed
//!    (`follow.rs`). A change may be a renewal, so whoever is woken looks.
//! 3. A database that is away ends nothing; it is asked again.
//! 4. What the operator has put into the configuration does not end: a reload cuts nothing that is under way.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::{
    cache::Key,
    connection::{ConnectionId, ConnectionState},
    credential::Credential,
    owner::Owner,
    provider::ProviderName,
    vault::Vault,
};

/// How long to wait before a database is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Who waits for which connections to end.
#[derive(Default)]
pub(crate) struct Endings(Mutex<HashMap<Key, Weak<Notify>>>);

impl Endings {
    /// Wakes who waits for the connections of an owner at a provider.
    pub(crate) fn tell(&self, owner: &Owner, provider: &ProviderName) {
        let key = Key { owner: owner.clone(), provider: provider.clone() };
        // Under the lock: whoever is woken and leaves would count this place as one that somebody waits in.
        let places = self.places();
        if let Some(told) = places.get(&key).and_then(Weak::upgrade) {
            told.notify_waiters();
        }
    }

    fn join(&self, key: &Key) -> Arc<Notify> {
        let mut places = self.places();
        if let Some(place) = places.get(key).and_then(Weak::upgrade) {
            return place;
        }
        let place = Arc::new(Notify::new());
        places.insert(key.clone(), Arc::downgrade(&place));
        place
    }

    fn leave(&self, key: &Key, place: Arc<Notify>) {
        let mut places = self.places();
        drop(place);
        if places.get(key).is_some_and(|place| place.strong_count() == 0) {
            places.remove(key);
        }
    }

    fn places(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Weak<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place to wait in.
struct Place {
    vault: Vault,
    key: Key,
    /// `None` when it is left.
    told: Option<Arc<Notify>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            self.vault.0.endings.leave(&self.key, told);
        }
    }
}

impl Vault {
    /// Ends when the connection that a credential comes from is gone, or a person has to connect again: within a second,
    /// whichever node that happened on. It may be dropped at any time.
    pub fn ended(&self, credential: &Credential) -> impl Future<Output = ()> + Send + use<> {
        let key = Key { owner: credential.owner().clone(), provider: credential.provider().clone() };
        let told = Some(self.0.endings.join(&key));
        let (place, id) = (Place { vault: self.clone(), key, told }, credential.connection_id().clone());
        async move {
            while let Some(told) = &place.told {
                let told = told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                match place.is_over(&id).await {
                    Some(true) => return,
                    Some(false) => told.await,
                    None => sleep(PAUSE).await,
                }
            }
        }
    }
}

impl Place {
    /// `None` when that cannot be found out.
    async fn is_over(&self, id: &ConnectionId) -> Option<bool> {
        let Key { owner, provider } = &self.key;
        let is_in_use = |credential: Arc<Credential>| credential.connection == *id;
        if id.is_of_configuration() || self.vault.0.cache.get(owner, provider).is_some_and(is_in_use) {
            return Some(false);
        }
        let connection = self.vault.get(owner, id).await.ok()?;
        Some(connection.is_none_or(|connection| connection.state != ConnectionState::Connected))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Wake, Waker},
    };

    use oauth::UserId;
    use tokio::sync::futures::OwnedNotified;

    use super::*;

    /// Whoever leaves its place as soon as it is woken, if it gets the lock: as another thread would.
    struct Leaving {
        endings: Endings,
        key: Key,
        waits: Mutex<Option<Waits>>,
    }

    type Waits = (Pin<Box<OwnedNotified>>, Arc<Notify>);

    impl Leaving {
        fn leave(&self) {
            if self.endings.0.try_lock().is_ok()
                && let Some((told, place)) = self.waits.lock().unwrap().take()
            {
                drop(told);
                self.endings.leave(&self.key, place);
            }
        }
    }

    impl Wake for Leaving {
        fn wake(self: Arc<Self>) {
            self.leave();
        }
    }

    #[test]
    fn a_place_that_is_left_while_it_is_told_leaves_nothing_behind() {
        let owner = Owner::User(UserId::from_unverified("ada"));
        let provider = ProviderName::parse("github").unwrap();
        let key = Key { owner: owner.clone(), provider: provider.clone() };
        let leaving = Arc::new(Leaving { endings: Endings::default(), key, waits: Mutex::default() });
        let place = leaving.endings.join(&leaving.key);
        let mut told = Box::pin(place.clone().notified_owned());
        let waker = Waker::from(leaving.clone());
        assert!(told.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        *leaving.waits.lock().unwrap() = Some((told, place));

        leaving.endings.tell(&owner, &provider);
        leaving.leave();
        assert!(leaving.waits.lock().unwrap().is_none() && leaving.endings.places().is_empty());
    }
}
