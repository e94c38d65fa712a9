//! The providers of the configuration, each with its way out and, once it is known, who we are there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use oauth::Timestamp;

use crate::provider::{Provider, ProviderName, Registered};

/// How long the metadata of an issuer is believed.
const METADATA: Duration = Duration::from_hours(1);

/// The providers that there are now. A reload replaces them.
pub(crate) struct Providers(RwLock<HashMap<ProviderName, Arc<Known>>>);

/// A provider, how it is reached, and what was found out about it.
pub(crate) struct Known {
    /// The provider.
    pub(crate) provider: Provider,
    /// The way out, within the provider's egress.
    pub(crate) http: outbound::Client,
    registered: Mutex<Option<(Arc<Registered>, Timestamp)>>,
    /// Held while something is found out, so that it is found out once.
    pub(crate) finding: tokio::sync::Mutex<()>,
}

impl Providers {
    pub(crate) fn new(providers: Vec<Provider>) -> Self {
        Self(RwLock::new(known(providers)))
    }

    /// Puts the providers of another configuration in place of these.
    pub(crate) fn replace(&self, providers: Vec<Provider>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known(providers);
    }

    /// The provider of this name.
    pub(crate) fn get(&self, name: &ProviderName) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn known(providers: Vec<Provider>) -> HashMap<ProviderName, Arc<Known>> {
    let known = |provider: Provider| {
        let http = outbound::Client::new(provider.egress.clone());
        let (registered, finding) = (Mutex::default(), tokio::sync::Mutex::default());
        (provider.name.clone(), Arc::new(Known { provider, http, registered, finding }))
    };
    providers.into_iter().map(known).collect()
}

impl Known {
    /// What was found out less than an hour ago.
    pub(crate) fn registered(&self, now: Timestamp) -> Option<Arc<Registered>> {
        let found = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().filter(|(_, at)| now < *at + METADATA).map(|(registered, _)| registered.clone())
    }

    /// Remembers what was found out.
    pub(crate) fn remember(&self, registered: Registered, now: Timestamp) -> Arc<Registered> {
        let registered = Arc::new(registered);
        let mut found = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        *found = Some((registered.clone(), now));
        registered
    }

    /// Forgets it, so that it is found out anew.
    pub(crate) fn forget(&self) {
        *self.registered.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
