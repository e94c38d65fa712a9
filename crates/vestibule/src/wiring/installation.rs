//! What commands work on that are not the server: the same database, keys and providers.

use std::sync::Arc;

use audit::Unrecorded;
use oauth::Clock;
use secret::Random;
use store::Store;
use vault::Vault;

use super::{Parts, vault as wired};
use crate::{clock::SystemClock, config::Configuration, entropy::SystemEntropy, keyring, storage};

/// The database of an installation, and the vault on it.
pub(crate) struct Installation {
    /// The database.
    pub(crate) store: Store,
    /// What keeps people's credentials.
    pub(crate) vault: Vault,
}

impl Installation {
    /// Opens what the configuration names; a server may run meanwhile. The audit log belongs to servers: what a command
    /// does is not in it.
    pub(crate) async fn open(configuration: &Configuration) -> anyhow::Result<Self> {
        let random: Arc<dyn Random> = Arc::new(SystemEntropy::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = storage::open(&configuration.storage).await?;
        let keyring = keyring::open(&configuration.storage.data_dir, &store, &*random).await?;
        let parts = Parts {
            store: store.clone(),
            keyring: Arc::new(keyring),
            issuer: configuration.network.issuer(configuration.network.listen)?,
            clock,
            random,
            auditor: Arc::new(Unrecorded),
            metrics: None,
            traced: false,
            node: None,
        };
        Ok(Self { vault: wired::open(&parts, configuration, None)?, store })
    }
}
