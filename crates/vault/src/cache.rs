//! Credentials in memory. They stay there as long as they are used, so that a database that is away takes none of them
//! along; what other nodes change is learned from the database (`follow.rs`).

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache as Moka;
use oauth::Timestamp;

use crate::{credential::Credential, owner::Owner, provider::ProviderName};

/// Credentials at most: each takes about two kilobytes.
const CAPACITY: u64 = 100_000;
/// How long one stays that nobody asks for.
const IDLE: Duration = Duration::from_hours(1);
/// How much earlier a change may have begun than it could be seen. What was read so shortly after a change is read again.
const COMMIT_TIME: Duration = Duration::from_secs(2);

/// Whose and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) owner: Owner,
    pub(crate) provider: ProviderName,
}

/// The same, borrowed: a look-up copies nothing.
struct BorrowedKey<'a>(&'a Owner, &'a ProviderName);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        BorrowedKey(&self.owner, &self.provider).hash(state);
    }
}

impl Hash for BorrowedKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl equivalent::Equivalent<Key> for BorrowedKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.0 == key.owner && *self.1 == key.provider
    }
}

pub(crate) struct Cache(Moka<Key, Arc<Credential>>);

impl Cache {
    pub(crate) fn new() -> Self {
        Self(Moka::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build())
    }

    pub(crate) fn get(&self, owner: &Owner, provider: &ProviderName) -> Option<Arc<Credential>> {
        self.0.get(&BorrowedKey(owner, provider))
    }

    pub(crate) fn put(&self, credential: &Arc<Credential>) {
        let key = Key { owner: credential.owner.clone(), provider: credential.provider.clone() };
        self.0.insert(key, Arc::clone(credential));
    }

    pub(crate) fn forget(&self, owner: &Owner, provider: &ProviderName) {
        self.0.invalidate(&BorrowedKey(owner, provider));
    }

    /// Forgets what was read before or about when the row was changed.
    pub(crate) fn forget_before(&self, owner: &Owner, provider: &ProviderName, changed_at: Timestamp) {
        let is_old = |credential: Arc<Credential>| credential.read_at <= changed_at + COMMIT_TIME;
        if self.get(owner, provider).is_some_and(is_old) {
            self.forget(owner, provider);
        }
    }

    pub(crate) fn forget_all(&self) {
        self.0.invalidate_all();
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Credential>> {
        self.0.iter().map(|(_, credential)| credential)
    }
}
