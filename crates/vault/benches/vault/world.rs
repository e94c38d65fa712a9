//! A vault on a file, and a provider that answers at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use audit::Unrecorded;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use client::Registration;
use oauth::{Clock, Issuer, Scope, Timestamp, TokenEndpointAuthMethod, UserId};
use secret::{Keyring, MasterKey, Random, Secret};
use store::{Location, Store};
use tempfile::TempDir;
use vault::{
    Answer, Owner, Provider, ProviderName, Received, RefreshSettings, Renewal, Renewing, Secrets, Settings,
    Vault,
    provider::{
        AccountSource, AuthorizationServer, Endpoints, Placement, ProviderKind, Quirks, Registered, Revoked,
        Source, Tokens,
    },
};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
const TOKEN: &str = "access token of forty characters, or so!";

struct System(SystemRandom);

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).unwrap();
    }
}

/// The system's clock, put forward.
pub(crate) struct Forward(AtomicI64);

impl Forward {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Forward {
    #[expect(clippy::disallowed_methods, reason = "reading the clock is part of what is measured")]
    fn now(&self) -> Timestamp {
        let forward = Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed));
        forward + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
    }
}

/// Gives another token at once.
struct Ready(Arc<Forward>);

impl Renewing for Ready {
    fn renew<'a>(&'a self, _: &'a Vault, _: &'a Provider, renewal: Renewal<'a>) -> Answer<'a, Tokens> {
        let now = self.0.now();
        let tokens = Tokens {
            access_token: Secret::from(TOKEN),
            refresh_token: renewal.secrets.refresh_token.clone(),
            received_at: now,
            expires_at: Some(now + HOUR),
            scope: renewal.scope.clone(),
            account: None,
            id_token: None,
        };
        Box::pin(std::future::ready(Ok(tokens)))
    }

    fn revoke<'a>(&'a self, _: &'a Vault, _: &'a Provider, _: &'a Secrets) -> Answer<'a, Revoked> {
        Box::pin(std::future::ready(Ok(Revoked::Done)))
    }
}

pub(crate) struct World {
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<Forward>,
    _directory: TempDir,
}

impl World {
    /// With so many connections, all in memory and fresh.
    pub(crate) async fn with(connections: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", directory.path().join("vault.sqlite3").display());
        let store = Store::open(Location::parse(&location).unwrap()).unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(Forward(AtomicI64::new(0)));
        let vault = open(store, &clock);
        let made = (0..connections).map(|number| {
            let (vault, now) = (vault.clone(), clock.now());
            tokio::spawn(async move {
                vault.create(&owner(number), &github(), received(now)).await.unwrap();
                vault.credential(&owner(number), &github(), &Scope::default()).await.unwrap();
            })
        });
        for made in made.collect::<Vec<_>>() {
            made.await.unwrap();
        }
        Self { vault, clock, _directory: directory }
    }
}

fn open(store: Store, clock: &Arc<Forward>) -> Vault {
    let random: Arc<dyn Random> = Arc::new(System(SystemRandom::new()));
    let settings = Settings {
        store,
        keyring: Arc::new(Keyring::new(&[MasterKey::mint(&*random)]).unwrap()),
        providers: vec![provider()],
        teams: Vec::new(),
        public_url: Issuer::parse("https://v.test").unwrap(),
        clock: clock.clone(),
        random,
        auditor: Arc::new(Unrecorded),
        assertions: None,
        node: None,
        refresh: RefreshSettings { patience: Duration::from_mins(5), ..RefreshSettings::default() },
    };
    Vault::with_renewing(settings, Arc::new(Ready(Arc::clone(clock))))
}

fn provider() -> Provider {
    let registered = Registered {
        endpoints: Endpoints { token: "https://idp.example/token".into(), ..Endpoints::default() },
        client: Registration {
            client_id: "vestibule".into(),
            client_secret: None,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            expires_at: None,
        },
        resource: None,
    };
    let server = AuthorizationServer { source: Source::Configured(registered), quirks: Quirks::default() };
    Provider {
        name: github(),
        title: "GitHub".into(),
        kind: ProviderKind::AuthorizationCode(Box::new(server)),
        placement: Placement::Bearer,
        scope: Scope::default(),
        egress: outbound::Egress::public(),
        accounts: AccountSource::None,
    }
}

fn received(now: Timestamp) -> Received {
    Received {
        kind: "oauth",
        secrets: Secrets {
            credential: Secret::from(TOKEN),
            refresh_token: Some(Secret::from("refresh token")),
            issued_by: None,
        },
        account: None,
        scope: Scope::parse("read:user repo").unwrap(),
        received_at: now,
        expires_at: Some(now + HOUR),
    }
}

pub(crate) fn github() -> ProviderName {
    ProviderName::parse("github").unwrap()
}

pub(crate) fn owner(number: usize) -> Owner {
    Owner::User(UserId::from_unverified(format!("user_{number}")))
}
