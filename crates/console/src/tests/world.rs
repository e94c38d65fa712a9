//! The authorization server, the vault and the console, as the binary puts them together.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use audit::{Auditor, Event, Kind, Ledger, Place, Reservation, Unrecorded};
use authorization_server::{
    AuthorizationServer, Lifetimes, Limits, RegistrationPolicy,
    user::{self, NewUser},
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use guard::{Guard, Keys};
use oauth::{
    ClientId, Clock, Issuer, JwtId, ResourceIndicator, Scope, Timestamp, TokenEndpointAuthMethod,
    access_token::AccessTokenClaims, jwk::JwkSet, jws::SigningKey,
};
use secret::{Digest, Keyring, MasterKey, Random, Secret};
use store::{Location, Store, UserRecord};
use tempfile::TempDir;
use tower::ServiceExt as _;
use vault::{
    AskedBy, ConnectLink, Need, NeedReason, Owner, ProviderName, RefreshSettings, Team, TeamName, Vault,
    provider::{
        AccountMembers, AccountSource, AuthorizationServer as AtProvider, Endpoints, Entry, Placement,
        Provider as Configured, ProviderKind, Quirks, Registered, Source,
    },
};

use crate::tests::provider::Provider;

pub(crate) const ISSUER: &str = "http://127.0.0.1:8080";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const APP: &str = "https://app.example/client.json";

/// Starts at some moment and goes on when it is told to.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

/// Never the same twice, and the same in every run.
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let digest = Digest::of(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&digest.as_bytes()[..chunk.len()]);
        }
    }
}

/// Remembers every event of the vault.
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
    /// Who brought answers that were not taken, and why they were not.
    pub(crate) fn refusals(&self) -> Vec<(String, String)> {
        let events = self.0.0.lock().unwrap();
        let refused = events.iter().filter(|event| event.kind == Kind::ConnectionRefused);
        let told = refused.map(|event| {
            let person = event.person.as_ref().and_then(|person| person.user_name.clone());
            (person.unwrap(), event.detail["reason"].clone())
        });
        told.collect()
    }
}

pub(crate) struct World {
    router: Router,
    pub(crate) log: Arc<Log>,
    pub(crate) vault: Vault,
    pub(crate) provider: Provider,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) ada: UserRecord,
    pub(crate) bob: UserRecord,
    pub(crate) operator: UserRecord,
    key: SigningKey,
    _directory: TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location")
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("test.db").display());
        let store = Store::open(Location::parse(&url).unwrap()).unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let random: Arc<dyn Random> = Arc::new(Counter(AtomicU64::new(1)));
        let keyring = Arc::new(Keyring::new(&[MasterKey::mint(&*random)]).unwrap());
        let provider = Provider::start().await;
        let ada = create(&store, &*random, clock.now(), "ada").await;
        let bob = create(&store, &*random, clock.now(), "bob").await;
        let operator = create(&store, &*random, clock.now(), "olga").await;
        let server = authorization_server(&store, &keyring, &clock, &random).await;
        let log = Arc::<Log>::default();
        let vault = Vault::open(vault::Settings {
            store: store.clone(),
            keyring,
            providers: vec![github(&provider), weather()],
            teams: vec![platform()],
            public_url: issuer(),
            clock: clock.clone(),
            random,
            auditor: log.clone(),
            node: None,
            refresh: RefreshSettings::default(),
            assertions: None,
        });
        let (key, _) = SigningKey::generate();
        let keys = Keys::default();
        keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
        let guard = Guard::new(guard::Settings {
            is_primary: false,
            scope: crate::basic_scope(),
            ..guard::Settings::new(issuer(), crate::indicator(&issuer()).unwrap(), keys, clock.clone())
        });
        let settings = crate::Settings {
            authorization_server: server.clone(),
            vault: vault.clone(),
            guard,
            clock: clock.clone(),
        };
        let router = server.router().merge(crate::router(settings));
        Self { router, log, vault, provider, clock, ada, bob, operator, key, _directory: directory }
    }

    /// A connect request of ada's, asked for by an app that nobody has registered.
    pub(crate) async fn link(&self, provider: &str) -> ConnectLink {
        let need = Need {
            owner: Owner::User(self.ada.id.clone()),
            provider: ProviderName::parse(provider).unwrap(),
            scope: Scope::parse("repo read:user").unwrap(),
            reason: NeedReason::Never,
        };
        let asked_by = AskedBy {
            client_id: ClientId::from_unverified(APP),
            client_name: Some("<b>Cursor</b>".to_owned()),
            server: "github".to_owned(),
            server_title: "GitHub tools".to_owned(),
            tool: Some("get_user_repos".to_owned()),
        };
        self.vault.ask(&need, &asked_by).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// An access token of this user for a resource, the HTTP API's unless it says otherwise.
    pub(crate) fn token(&self, subject: &str, scope: &str, resource: Option<&str>) -> String {
        let now = self.clock.now().seconds();
        let api = crate::indicator(&issuer()).unwrap();
        let claims = AccessTokenClaims {
            iss: issuer(),
            sub: subject.to_owned(),
            aud: resource.map_or(api, |resource| ResourceIndicator::parse(resource).unwrap()),
            exp: now + 600,
            iat: now,
            jti: JwtId::from_unverified("j1"),
            client_id: ClientId::from_unverified("c1"),
            scope: Scope::parse(scope).unwrap(),
            grant_id: None,
            preferred_username: None,
            roles: Vec::new(),
            groups: Vec::new(),
        };
        format!("Bearer {}", claims.sign(&self.key).expose())
    }
}

fn issuer() -> Issuer {
    Issuer::parse(ISSUER).unwrap()
}

async fn create(store: &Store, random: &dyn Random, now: Timestamp, name: &str) -> UserRecord {
    let password = Secret::from(PASSWORD);
    let is_operator = name == "olga";
    let new = NewUser { name, display_name: "", password: Some(&password), is_operator, roles: &[] };
    user::create(store, random, now, new).await.unwrap()
}

async fn authorization_server(
    store: &Store,
    keyring: &Keyring,
    clock: &Arc<TestClock>,
    random: &Arc<dyn Random>,
) -> AuthorizationServer {
    let settings = authorization_server::Settings {
        issuer: issuer(),
        resources: vec![crate::resource(&issuer()).unwrap()],
        lifetimes: Lifetimes::default(),
        registration: RegistrationPolicy::default(),
        limits: Limits::default(),
        clock: clock.clone(),
        random: Arc::clone(random),
        on_revocation: Arc::new(|_| {}),
        auditor: Arc::new(Unrecorded),
    };
    AuthorizationServer::open(settings, store.clone(), keyring).await.unwrap()
}

/// An authorization server that says in its token response whose account it is.
fn github(provider: &Provider) -> Configured {
    let endpoints = Endpoints {
        issuer: Some(provider.origin.clone()),
        promises_iss: true,
        authorization: format!("{}/authorize", provider.origin),
        token: format!("{}/token", provider.origin),
        ..Endpoints::default()
    };
    let client = client::Registration {
        client_id: "vestibule".to_owned(),
        client_secret: None,
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        expires_at: None,
    };
    let source = Source::Configured(Registered { endpoints, client, resource: None });
    let kind = ProviderKind::AuthorizationCode(Box::new(AtProvider { source, quirks: Quirks::default() }));
    Configured {
        kind,
        accounts: AccountSource::TokenResponse(AccountMembers::new(&["/account/id"], &["/account/name"])),
        ..plain("github", "GitHub")
    }
}

/// A service with an API key.
fn weather() -> Configured {
    let made_at = Some("https://weather.example/account/keys".to_owned());
    Configured {
        kind: ProviderKind::ApiKey(Entry { made_at, ..Entry::default() }),
        ..plain("weather", "Weather Service")
    }
}

/// A team of bob's, which olga manages.
fn platform() -> Team {
    Team {
        name: TeamName::parse("platform").unwrap(),
        users: BTreeSet::from(["bob".to_owned()]),
        roles: BTreeSet::new(),
        clients: BTreeSet::new(),
        managers: BTreeSet::from(["olga".to_owned()]),
    }
}

fn plain(name: &str, title: &str) -> Configured {
    Configured {
        name: ProviderName::parse(name).unwrap(),
        title: title.to_owned(),
        kind: ProviderKind::None,
        placement: Placement::default(),
        scope: Scope::default(),
        egress: outbound::Egress::public().with_loopback(),
        accounts: AccountSource::None,
    }
}
