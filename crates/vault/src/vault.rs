use std::sync::Arc;

use crate::settings::Settings;

/// The vault. Clones are the same vault.
#[derive(Clone)]
pub struct Vault(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
}

impl Vault {
    /// A vault on a database that is migrated.
    pub fn open(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings }))
    }
}
