use std::sync::Arc;

use oauth::Timestamp;

use crate::{
    provider::{Provider, ProviderName},
    providers::{Known, Providers},
    settings::Settings,
};

/// The vault. Clones are the same vault.
#[derive(Clone)]
pub struct Vault(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) providers: Providers,
}

impl Vault {
    /// A vault on a database that is migrated.
    pub fn open(mut settings: Settings) -> Self {
        let providers = Providers::new(std::mem::take(&mut settings.providers));
        Self(Arc::new(Inner { settings, providers }))
    }

    /// The providers of the configuration, by name.
    pub fn providers(&self) -> Vec<Provider> {
        self.0.providers.all().iter().map(|known| known.provider.clone()).collect()
    }

    /// The provider of this name.
    pub fn provider(&self, name: &ProviderName) -> Option<Provider> {
        self.known(name).map(|known| known.provider.clone())
    }

    pub(crate) fn known(&self, name: &ProviderName) -> Option<Arc<Known>> {
        self.0.providers.get(name)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }
}
