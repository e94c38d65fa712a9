//! What a credential costs that is in memory and fresh: one core of the reference machine is to give out 200,000 a second.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin ends")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use audit::Unrecorded;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use oauth::{Clock, Issuer, Scope, Timestamp, UserId};
use secret::{Keyring, MasterKey, Random};
use store::{Location, Store};
use tokio::runtime::Runtime;
use vault::{
    Owner, Provider, ProviderName, Received, RefreshSettings, Secrets, Settings, Vault,
    provider::{AccountSource, Entry, Placement, ProviderKind},
};

/// As many as a node of a company has.
const CONNECTIONS: usize = 1_000;

struct System(SystemRandom);

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).unwrap();
    }
}

/// The system's clock, which every call reads once.
struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "reading the clock is part of what is measured")]
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(0) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
    }
}

fn github() -> ProviderName {
    ProviderName::parse("github").unwrap()
}

fn owner(number: usize) -> Owner {
    Owner::User(UserId::from_unverified(format!("user_{number}")))
}

async fn filled(location: &str) -> Vault {
    let store = Store::open(Location::parse(location).unwrap()).unwrap();
    store.migrate().await.unwrap();
    let random: Arc<dyn Random> = Arc::new(System(SystemRandom::new()));
    let provider = Provider {
        name: github(),
        title: "GitHub".into(),
        kind: ProviderKind::ApiKey(Entry::default()),
        placement: Placement::Bearer,
        scope: Scope::default(),
        egress: outbound::Egress::public(),
        accounts: AccountSource::None,
    };
    let vault = Vault::open(Settings {
        store,
        keyring: Arc::new(Keyring::new(&[MasterKey::mint(&*random)]).unwrap()),
        providers: vec![provider],
        teams: Vec::new(),
        public_url: Issuer::parse("https://v.test").unwrap(),
        clock: Arc::new(Wall),
        random,
        auditor: Arc::new(Unrecorded),
        assertions: None,
        refresh: RefreshSettings::default(),
    });
    for number in 0..CONNECTIONS {
        let received = Received {
            kind: "oauth",
            secrets: Secrets {
                credential: "access token of forty characters, or so!".into(),
                refresh_token: None,
                issued_by: None,
            },
            account: None,
            scope: Scope::parse("read:user repo").unwrap(),
            received_at: Wall.now(),
            expires_at: Some(Wall.now() + Duration::from_hours(8)),
        };
        vault.create(&owner(number), &github(), received).await.unwrap();
        vault.credential(&owner(number), &github(), &Scope::default()).await.unwrap();
    }
    vault
}

fn from_memory(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let location = format!("sqlite:{}", directory.path().join("vault.sqlite3").display());
    let vault = runtime.block_on(filled(&location));
    let (owners, provider): (Vec<Owner>, _) = ((0..CONNECTIONS).map(owner).collect(), github());
    let needed = Scope::parse("repo").unwrap();
    let mut next = (0..CONNECTIONS).cycle();
    criterion.bench_function("credential/from memory", |bencher| {
        bencher.iter(|| {
            let owner = &owners[next.next().unwrap()];
            // It is ready when it is first polled: nothing waits.
            let credential =
                futures_util::FutureExt::now_or_never(vault.credential(owner, &provider, &needed));
            black_box(credential.unwrap().unwrap());
        });
    });
    let credential = runtime.block_on(vault.credential(&owners[0], &provider, &needed)).unwrap();
    let (mut parts, ()) = Request::get("https://api.example/").body(()).unwrap().into_parts();
    criterion.bench_function("credential/into a request", |bencher| {
        bencher.iter(|| credential.apply(black_box(&mut parts)));
    });
}

criterion_group!(benches, from_memory);
criterion_main!(benches);
