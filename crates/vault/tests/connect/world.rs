//! A database, a provider, and as many vaults as a test wants.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use audit::Unrecorded;
use client::Registration;
use oauth::{ClientId, Clock, Issuer, ResourceIndicator, Scope, Timestamp, TokenEndpointAuthMethod, UserId};
use outbound::Egress;
use secret::{Digest, Keyring, MasterKey, Random, Secret};
use store::{Location, Store};
use tempfile::TempDir;
use url::Url;
use vault::{
    AskedBy, AuthorizeStep, ConnectError, Connected, Need, NeedReason, Owner, Person, Provider, ProviderName,
    RefreshSettings, Settings, Team, TeamName, Vault,
    provider::{
        AccountMembers, AccountSource, Assertions, AuthorizationServer, Endpoints, Entry, Placement,
        ProviderKind, Quirks, Registered, Source,
    },
};

use crate::fake::Fake;

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) store: Store,
    clock: Arc<HandClock>,
    keyring: Arc<Keyring>,
    _directory: TempDir,
}

/// A flow whose browser was sent away.
pub(crate) struct Away {
    pub(crate) id: String,
    pub(crate) url: Url,
}

impl Away {
    pub(crate) fn parameter(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The query of a good answer to it.
    pub(crate) fn answer(&self, code: &str) -> String {
        format!("code={code}&state={}", self.parameter("state"))
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(Location::Sqlite(directory.path().join("vestibule.db"))).unwrap();
        store.migrate().await.unwrap();
        let key = MasterKey::mint(&Counted::new());
        Self {
            fake: Fake::start().await,
            store,
            clock: Arc::new(HandClock(AtomicI64::new(1_800_000_000_000))),
            keyring: Arc::new(Keyring::new(&[key]).unwrap()),
            _directory: directory,
        }
    }

    /// A vault as a node would have it.
    pub(crate) fn vault(&self) -> Vault {
        self.vault_with(self.providers(), "https://v.test")
    }

    pub(crate) fn vault_with(&self, providers: Vec<Provider>, public_url: &str) -> Vault {
        self.vault_of(providers, public_url, None)
    }

    pub(crate) fn vault_of(
        &self,
        providers: Vec<Provider>,
        public_url: &str,
        assertions: Option<Arc<dyn Assertions>>,
    ) -> Vault {
        let team = Team {
            name: TeamName::parse("ops").unwrap(),
            users: BTreeSet::from(["ada".to_owned()]),
            clients: BTreeSet::new(),
            managers: BTreeSet::from(["grace".to_owned()]),
            roles: BTreeSet::new(),
        };
        Vault::open(Settings {
            store: self.store.clone(),
            keyring: self.keyring.clone(),
            providers,
            teams: vec![team],
            public_url: Issuer::parse(public_url).unwrap(),
            clock: self.clock.clone(),
            random: Arc::new(Counted::new()),
            auditor: Arc::new(Unrecorded),
            assertions,
            node: None,
            refresh: RefreshSettings::default(),
        })
    }

    /// `p` and `q` are alike but for their names; `mcp` is discovered, `key` and `basic` are entered.
    pub(crate) fn providers(&self) -> Vec<Provider> {
        let entry = Entry { probe: Some(self.fake.url("/probe")), ..Entry::default() };
        let server = ResourceIndicator::parse(&self.fake.url("/mcp")).unwrap();
        let discovered = Source::Server { server, client_name: "Vestibule".into() };
        vec![
            self.provider("p", oauth(self.configured("/token"))),
            self.provider("q", oauth(self.configured("/token"))),
            Provider { accounts: AccountSource::None, ..self.provider("mcp", oauth(discovered)) },
            self.provider("key", ProviderKind::ApiKey(entry.clone())),
            Provider { placement: Placement::Basic, ..self.provider("basic", ProviderKind::Basic(entry)) },
            self.provider("nobody", ProviderKind::None),
        ]
    }

    pub(crate) fn provider(&self, name: &str, kind: ProviderKind) -> Provider {
        Provider {
            name: self::name(name),
            title: name.to_uppercase(),
            kind,
            placement: Placement::default(),
            scope: scope("base"),
            egress: Egress::public().with_loopback(),
            accounts: AccountSource::UserInfo {
                url: self.fake.url("/user"),
                members: AccountMembers::new(&["/id"], &["/login"]),
            },
        }
    }

    /// Endpoints at the fake, with another path for tokens.
    pub(crate) fn configured(&self, token: &str) -> Source {
        Source::Configured(Registered {
            endpoints: Endpoints {
                issuer: Some(self.fake.url("")),
                promises_iss: false,
                authorization: self.fake.url("/authorize"),
                token: self.fake.url(token),
                refresh: None,
                revocation: Some(self.fake.url("/revoke")),
            },
            client: Registration {
                client_id: "us".into(),
                client_secret: Some(Secret::from("our-secret")),
                token_endpoint_auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
                expires_at: None,
            },
            resource: None,
        })
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap();
        self.clock.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Has Ada connect her account, up to the provider.
    pub(crate) async fn away(&self, vault: &Vault, provider: &str) -> Away {
        let link = vault.ask(&need(&ada(), provider, "read"), &asked_by()).await.unwrap();
        self.away_for(vault, &link.id).await
    }

    pub(crate) async fn away_for(&self, vault: &Vault, id: &str) -> Away {
        let allowed = vault.allow(id, &ada(), &browser()).await.unwrap();
        match vault.authorize(allowed).await.unwrap() {
            AuthorizeStep::Redirect(url) => {
                Away { id: id.to_owned(), url: Url::parse(url.as_str()).unwrap() }
            }
            step @ AuthorizeStep::EnterSecret { .. } => panic!("{step:?}"),
        }
    }

    /// Has Ada connect her account, whole.
    pub(crate) async fn connect(&self, vault: &Vault, provider: &str) -> Result<Connected, ConnectError> {
        let away = self.away(vault, provider).await;
        let answer = away.answer("a-code");
        vault.callback(&name(provider), &ada(), &browser(), &answer).await
    }

    /// The access token that Ada's calls are made with.
    pub(crate) async fn token(&self, vault: &Vault, provider: &str) -> Option<String> {
        let credential = vault.credential(&owner(&ada()), &name(provider), &Scope::default()).await.ok()?;
        let (mut parts, ()) = http::Request::get("https://api.test/").body(()).unwrap().into_parts();
        credential.apply(&mut parts);
        Some(parts.headers["authorization"].to_str().unwrap().to_owned())
    }
}

pub(crate) fn oauth(source: Source) -> ProviderKind {
    ProviderKind::AuthorizationCode(Box::new(AuthorizationServer { source, quirks: Quirks::default() }))
}

pub(crate) fn name(text: &str) -> ProviderName {
    ProviderName::parse(text).unwrap()
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) fn person(name: &str) -> Person {
    Person { id: UserId::from_unverified(format!("user_{name}")), name: name.to_owned() }
}

pub(crate) fn ada() -> Person {
    person("ada")
}

pub(crate) fn owner(person: &Person) -> Owner {
    Owner::User(person.id.clone())
}

pub(crate) fn browser() -> Digest {
    Digest::of(b"the cookie of ada's browser")
}

pub(crate) fn need(person: &Person, provider: &str, scopes: &str) -> Need {
    need_of(owner(person), provider, scopes)
}

pub(crate) fn need_of(owner: Owner, provider: &str, scopes: &str) -> Need {
    Need { owner, provider: name(provider), scope: scope(scopes), reason: NeedReason::Never }
}

pub(crate) fn asked_by() -> AskedBy {
    AskedBy {
        client_id: ClientId::from_unverified("client_app"),
        client_name: Some("App".into()),
        server: "repos".into(),
        server_title: "Repositories".into(),
        tool: Some("list".into()),
    }
}

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

/// Counted, not random; no two in one process give the same.
struct Counted(u64, AtomicU64);

impl Counted {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::SeqCst), AtomicU64::new(0))
    }
}

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.1.fetch_add(1, Ordering::SeqCst);
        for (position, chunk) in bytes.chunks_mut(32).enumerate() {
            let digest = Digest::of(format!("{} {count} {position}", self.0).as_bytes());
            chunk.copy_from_slice(&digest.as_bytes()[..chunk.len()]);
        }
    }
}
