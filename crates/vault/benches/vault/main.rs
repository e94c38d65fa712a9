//! What a credential costs: one that is in memory and fresh (one core of the reference machine is to give out 200,000 a
//! second), and ten thousand that end in the same moment.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin ends")]

mod world;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use http::Request;
use oauth::Scope;
use tokio::runtime::Runtime;

use crate::world::{HOUR, World, github, owner};

/// As many as a node of a company has.
const IN_MEMORY: usize = 1_000;
const AT_ONCE: usize = 10_000;

fn from_memory(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::with(IN_MEMORY));
    let owners: Vec<_> = (0..IN_MEMORY).map(owner).collect();
    let (provider, needed) = (github(), Scope::parse("repo").unwrap());
    let mut next = (0..IN_MEMORY).cycle();
    criterion.bench_function("credential/from memory", |bencher| {
        bencher.iter(|| {
            let owner = &owners[next.next().unwrap()];
            // It is ready when it is first polled: nothing waits.
            let credential = world.vault.credential(owner, &provider, &needed).now_or_never();
            black_box(credential.unwrap().unwrap());
        });
    });
    let credential = runtime.block_on(world.vault.credential(&owners[0], &provider, &needed)).unwrap();
    let (mut parts, ()) = Request::get("https://api.example/").body(()).unwrap().into_parts();
    criterion.bench_function("credential/into a request", |bencher| {
        bencher.iter(|| credential.apply(black_box(&mut parts)));
    });
}

/// The provider answers at once: what is left is the database, the sealing and the bookkeeping.
fn all_at_once(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::with(AT_ONCE));
    let mut group = criterion.benchmark_group("credential");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(1));
    group.bench_function("10,000 renewed at once", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                world.clock.pass(HOUR);
                let began = Instant::now();
                runtime.block_on(renew_all(&world));
                took += began.elapsed();
            }
            took
        });
    });
    group.finish();
}

async fn renew_all(world: &World) {
    let calls = (0..AT_ONCE).map(|number| {
        let vault = world.vault.clone();
        tokio::spawn(
            async move { vault.credential(&owner(number), &github(), &Scope::default()).await.is_ok() },
        )
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
}

criterion_group!(benches, from_memory, all_at_once);
criterion_main!(benches);
