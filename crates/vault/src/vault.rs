use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::{Scope, Timestamp};
use tokio::sync::{Notify, Semaphore};

use crate::{
    cache::Cache,
    credential::Credential,
    ending::Endings,
    error::CredentialError,
    owner::{Owner, TeamName},
    provider::{OverHttp, Provider, ProviderKind, ProviderName},
    providers::{Known, Providers},
    refresh::{Flights, Wanted},
    renewing::Renewing,
    settings::{Settings, Team},
};

/// The vault. Clones are the same vault.
#[derive(Clone)]
pub struct Vault(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// Providers and teams in it are those of the start; [`Inner::configured`] has the present ones.
    pub(crate) settings: Settings,
    pub(crate) configured: ArcSwap<Configured>,
    /// How each provider is reached, and who we are there.
    pub(crate) reached: Providers,
    pub(crate) renewing: Arc<dyn Renewing>,
    pub(crate) cache: Cache,
    pub(crate) flights: Flights,
    /// Wakes whoever waits for a connection.
    pub(crate) changed: Notify,
    /// Wakes what stands open with a credential.
    pub(crate) endings: Endings,
    /// Tells this process from others in the database.
    pub(crate) node: String,
    /// Connections whose renewed credential is in memory alone.
    pub(crate) unstored: Mutex<HashSet<String>>,
    /// Refreshes at once, by provider.
    places: Mutex<HashMap<ProviderName, Arc<Semaphore>>>,
}

/// What the configuration file says, as of the last reload.
pub(crate) struct Configured {
    providers: HashMap<ProviderName, Arc<Provider>>,
    teams: HashMap<TeamName, Arc<Team>>,
}

impl Configured {
    fn new(providers: &[Provider], teams: &[Team]) -> Self {
        let provider = |provider: &Provider| (provider.name.clone(), Arc::new(provider.clone()));
        let team = |team: &Team| (team.name.clone(), Arc::new(team.clone()));
        Self { providers: providers.iter().map(provider).collect(), teams: teams.iter().map(team).collect() }
    }
}

impl Vault {
    /// A vault on a database that is migrated.
    pub fn open(settings: Settings) -> Self {
        Self::with_renewing(settings, Arc::new(OverHttp))
    }

    /// A vault whose providers are spoken to in another way than over HTTP.
    pub fn with_renewing(settings: Settings, renewing: Arc<dyn Renewing>) -> Self {
        let node = settings.node.clone().unwrap_or_else(|| {
            let mut node = [0; 9];
            settings.random.fill(&mut node);
            BASE64_URL_SAFE_NO_PAD.encode(node)
        });
        Self(Arc::new(Inner {
            configured: ArcSwap::from_pointee(Configured::new(&settings.providers, &settings.teams)),
            reached: Providers::new(settings.providers.clone()),
            settings,
            renewing,
            cache: Cache::new(),
            flights: Flights::default(),
            changed: Notify::new(),
            endings: Endings::default(),
            node,
            unstored: Mutex::default(),
            places: Mutex::default(),
        }))
    }

    /// Takes over another configuration. Connections to providers that are gone stay, and cannot be used.
    pub fn reload(&self, providers: &[Provider], teams: &[Team]) {
        self.0.configured.store(Arc::new(Configured::new(providers, teams)));
        self.0.reached.replace(providers.to_vec());
        self.0.cache.forget_all();
    }

    /// The credential of `owner` at `provider`: from memory while it is fresh, else renewed once for everybody who asks
    /// for it, on any node. It may do what `needed` says.
    ///
    /// Whoever goes away leaves the renewal to itself; it is finished and stored (VA-10).
    ///
    /// # Errors
    /// [`CredentialError::Connect`] when a person has to do something first.
    pub async fn credential(
        &self,
        owner: &Owner,
        provider: &ProviderName,
        needed: &Scope,
    ) -> Result<Arc<Credential>, CredentialError> {
        let now = self.now();
        let credential = match self.0.cache.get(owner, provider) {
            Some(credential) if credential.is_fresh(now) => credential,
            _ => {
                self.obtain(owner, provider, Wanted::Valid).await.map_err(|error| error.asking_for(needed))?
            }
        };
        if !needed.is_subset_of(credential.scope()) {
            return Err(self.lacks_scope(&credential, needed));
        }
        credential.is_used_at(now);
        Ok(credential)
    }

    /// Another credential than this one, which the API has just refused (401): it is renewed, unless somebody has done so
    /// since. The same request is then worth one more attempt.
    ///
    /// # Errors
    /// [`CredentialError::Connect`] when it cannot be renewed.
    pub async fn rejected(&self, credential: &Credential) -> Result<Arc<Credential>, CredentialError> {
        let wanted =
            Wanted::After { connection: credential.connection.clone(), generation: credential.generation };
        self.obtain(&credential.owner, &credential.provider, wanted).await
    }

    /// The getter of one owner.
    pub fn cached(&self, owner: Owner) -> CachedGetter {
        CachedGetter { vault: self.clone(), owner }
    }

    /// A provider of the configuration.
    pub fn provider(&self, name: &ProviderName) -> Option<Arc<Provider>> {
        self.0.configured.load().providers.get(name).cloned()
    }

    /// All providers of the configuration, by name.
    pub fn providers(&self) -> Vec<Arc<Provider>> {
        let mut providers: Vec<_> = self.0.configured.load().providers.values().cloned().collect();
        providers.sort_by(|one, other| one.name.cmp(&other.name));
        providers
    }

    /// A provider with how it is reached.
    pub(crate) fn known(&self, name: &ProviderName) -> Option<Arc<Known>> {
        self.0.reached.get(name)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// A team of the configuration.
    pub fn team(&self, name: &TeamName) -> Option<Arc<Team>> {
        self.0.configured.load().teams.get(name).cloned()
    }

    /// The teams whose accounts this user connects and disconnects, by name.
    pub fn teams_managed_by(&self, user_name: &str) -> Vec<Arc<Team>> {
        let configured = self.0.configured.load();
        let managed = configured.teams.values().filter(|team| team.is_manager(user_name)).cloned();
        let mut managed: Vec<_> = managed.collect();
        managed.sort_by(|one, other| one.name.cmp(&other.name));
        managed
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }

    /// What limits how many refreshes of a provider run at once.
    pub(crate) fn places_of(&self, provider: &ProviderName) -> Arc<Semaphore> {
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(self.0.settings.refresh.at_once.max(1)));
        Arc::clone(places.entry(provider.clone()).or_insert_with(new))
    }

    /// Whether the renewed credential of a connection is in memory alone.
    pub(crate) fn is_unstored(&self, connection: &str) -> bool {
        self.0.unstored.lock().unwrap_or_else(PoisonError::into_inner).contains(connection)
    }

    /// A number that nobody can foretell, in thousandths: 0 to 999.
    pub(crate) fn chance(&self) -> u32 {
        let mut bytes = [0; 4];
        self.0.settings.random.fill(&mut bytes);
        u32::from_be_bytes(bytes) % 1000
    }
}

impl Provider {
    /// Under whom its credentials are kept: one that the provider gives to this installation serves everybody.
    pub(crate) fn keeper<'a>(&self, owner: &'a Owner) -> &'a Owner {
        match self.kind {
            ProviderKind::ClientCredentials(_) => &Owner::Installation,
            _ => owner,
        }
    }
}

/// Gets the credentials of one owner.
#[derive(Clone)]
pub struct CachedGetter {
    vault: Vault,
    owner: Owner,
}

impl CachedGetter {
    /// As [`Vault::credential`].
    pub async fn credential(
        &self,
        provider: &ProviderName,
        needed: &Scope,
    ) -> Result<Arc<Credential>, CredentialError> {
        self.vault.credential(&self.owner, provider, needed).await
    }
}

/// Which process it is, and nothing of what it keeps.
impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vault").field("node", &self.0.node).finish_non_exhaustive()
    }
}
