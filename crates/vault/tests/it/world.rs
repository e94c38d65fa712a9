//! A database, a provider, and as many nodes as a test needs.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use audit::{Auditor, Event, Ledger, Place, Reservation};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use client::Registration;
use http::Request;
use oauth::{Clock, Issuer, Scope, Timestamp, TokenEndpointAuthMethod, UserId};
use secret::{Keyring, MasterKey, Random};
use store::{Location, Store};
use tempfile::TempDir;
use vault::{
    Connection, Credential, CredentialError, Owner, Provider, ProviderName, Received, RefreshSettings,
    Settings, Vault,
    provider::{
        Account, AccountSource, AuthorizationServer, Endpoints, Placement, ProviderKind, Quirks, Registered,
        Source,
    },
};

use crate::{
    postgresql::Server,
    provider::{HOUR, Scripted, at},
};

/// A clock that the test moves.
pub(crate) struct Settable(AtomicI64);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

impl Settable {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

struct System(SystemRandom);

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).unwrap();
    }
}

/// Remembers every event.
#[derive(Default)]
pub(crate) struct Log(Arc<Events>);

#[derive(Default)]
struct Events(Mutex<Vec<Event>>);

impl Auditor for Log {
    fn reserve(&self) -> Reservation<'_> {
        Reservation::ready(Ok(Place::of(Arc::<Events>::clone(&self.0))))
    }
}

impl Ledger for Events {
    fn take(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Log {
    pub(crate) fn kinds(&self) -> Vec<audit::Kind> {
        self.0.0.lock().unwrap().iter().map(|event| event.kind).collect()
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(&*self.0.0.lock().unwrap()).unwrap()
    }
}

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) clock: Arc<Settable>,
    pub(crate) provider: Arc<Scripted>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) log: Arc<Log>,
    pub(crate) node: Option<String>,
    pub(crate) refresh: RefreshSettings,
    pub(crate) quirks: Quirks,
    pub(crate) server: Option<Arc<Server>>,
    pub(crate) directory: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let url = format!("sqlite:{}", directory.path().join("vault.sqlite3").display());
        Self { directory: Some(directory), ..Self::on(url).await }
    }

    pub(crate) async fn postgresql(server: Arc<Server>) -> Self {
        Self { server: Some(Arc::clone(&server)), ..Self::on(server.create_database()).await }
    }

    async fn on(url: String) -> Self {
        let clock = Arc::new(Settable(AtomicI64::new(at(1_800_000_000).milliseconds())));
        let world = Self {
            provider: Arc::new(Scripted::new(&clock, HOUR)),
            clock,
            keyring: Arc::new(Keyring::new(&[key()]).unwrap()),
            log: Arc::default(),
            node: None,
            refresh: RefreshSettings::default(),
            quirks: Quirks::default(),
            server: None,
            directory: None,
            url,
        };
        world.store().migrate().await.unwrap();
        world
    }

    /// The provider as `change` has it.
    pub(crate) fn with_provider(mut self, change: impl FnOnce(&mut Scripted)) -> Self {
        change(Arc::get_mut(&mut self.provider).unwrap());
        self
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(Location::parse(&self.url).unwrap()).unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.url.strip_prefix("sqlite:").unwrap()
    }

    /// Runs SQL behind the vault's back.
    pub(crate) fn execute(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    /// One more node.
    pub(crate) fn node(&self) -> Vault {
        self.node_with(Arc::clone(&self.keyring))
    }

    pub(crate) fn node_with(&self, keyring: Arc<Keyring>) -> Vault {
        let settings = Settings {
            store: self.store(),
            keyring,
            providers: vec![self.github(), self.own(), configured()],
            teams: Vec::new(),
            public_url: Issuer::parse("https://v.test").unwrap(),
            clock: self.clock.clone(),
            random: Arc::new(System(SystemRandom::new())),
            auditor: self.log.clone(),
            assertions: None,
            node: self.node.clone(),
            refresh: self.refresh,
        };
        Vault::with_renewing(settings, self.provider.clone())
    }

    fn github(&self) -> Provider {
        let server =
            AuthorizationServer { source: Source::Configured(registered()), quirks: self.quirks.clone() };
        provider("github", ProviderKind::AuthorizationCode(Box::new(server)))
    }

    /// It gives its credential to the installation itself.
    fn own(&self) -> Provider {
        let server =
            AuthorizationServer { source: Source::Configured(registered()), quirks: self.quirks.clone() };
        provider("own", ProviderKind::ClientCredentials(Box::new(server)))
    }

    /// Connects an account of `user`, called like them.
    pub(crate) async fn connect(&self, vault: &Vault, user: &str) -> Connection {
        vault.create(&owner(user), &github(), self.received(user)).await.unwrap()
    }

    pub(crate) fn received(&self, account: &str) -> Received {
        Received {
            kind: "oauth",
            secrets: Scripted::first(account),
            account: Some(Account { id: account.into(), name: Some(format!("{account}@example")) }),
            scope: scope("read"),
            received_at: self.clock.now(),
            expires_at: Some(self.clock.now() + HOUR),
        }
    }
}

/// The operator has put its key into the configuration.
fn configured() -> Provider {
    let entry = vault::provider::Entry { configured: Some("a-key".into()), ..Default::default() };
    provider("configured", ProviderKind::ApiKey(entry))
}

fn provider(name: &str, kind: ProviderKind) -> Provider {
    Provider {
        name: ProviderName::parse(name).unwrap(),
        title: name.to_owned(),
        kind,
        placement: Placement::Bearer,
        scope: Scope::default(),
        egress: outbound::Egress::public(),
        accounts: AccountSource::None,
    }
}

fn registered() -> Registered {
    Registered {
        endpoints: Endpoints {
            authorization: "https://idp.example/authorize".into(),
            token: "https://idp.example/token".into(),
            ..Endpoints::default()
        },
        client: Registration {
            client_id: "vestibule".into(),
            client_secret: None,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            expires_at: None,
        },
        resource: None,
    }
}

pub(crate) fn random() -> Arc<dyn Random> {
    Arc::new(System(SystemRandom::new()))
}

pub(crate) fn key() -> MasterKey {
    MasterKey::mint(&System(SystemRandom::new()))
}

pub(crate) fn owner(user: &str) -> Owner {
    Owner::User(UserId::from_unverified(user))
}

pub(crate) fn github() -> ProviderName {
    ProviderName::parse("github").unwrap()
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// What stands in a request's `Authorization`.
pub(crate) fn shown(credential: &Credential) -> String {
    let (mut parts, ()) = Request::get("https://api.example/").body(()).unwrap().into_parts();
    credential.apply(&mut parts);
    parts.headers["authorization"].to_str().unwrap().to_owned()
}

pub(crate) async fn get(vault: &Vault, user: &str) -> Result<Arc<Credential>, CredentialError> {
    vault.credential(&owner(user), &github(), &scope("read")).await
}

/// Lets other tasks go on until `is_so`.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("it came about within 30 seconds");
}
