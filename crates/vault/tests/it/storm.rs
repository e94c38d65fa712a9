//! However many want it, a credential is renewed once each time it ends (P3).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use vault::Vault;

use crate::{
    postgresql::Server,
    provider::{HOUR, Turn},
    world::{World, get, shown},
};

const CALLERS: usize = 500;

/// Rounds of `CALLERS` over two nodes, each when the credential has just ended.
async fn storm(world: World, rounds: u32, slow: impl Fn(u32) -> Option<Duration>) {
    let nodes = [world.node(), world.node()];
    world.connect(&nodes[0], "ada").await;
    for round in 1..=rounds {
        world.clock.pass(HOUR);
        if let Some(time) = slow(round) {
            world.provider.then(Turn::Slow(time));
        }
        let shown = all_at_once(&nodes).await;
        assert_eq!(world.provider.calls("ada"), round, "refreshes after {round} ends");
        assert!(shown.iter().all(|credential| credential == &shown[0]), "all got the same");
        assert!(shown[0].starts_with(&format!("Bearer at-ada-{round}-")), "{}", shown[0]);
    }
    assert_eq!(world.provider.most_in_flight(), 1);
}

async fn all_at_once(nodes: &[Vault; 2]) -> Vec<String> {
    let calls = (0..CALLERS).map(|number| {
        let vault = nodes[number % 2].clone();
        tokio::spawn(async move { get(&vault, "ada").await.map(|credential| shown(&credential)) })
    });
    let answers = join_all(calls.collect::<Vec<_>>()).await;
    answers.into_iter().map(|answer| answer.unwrap().expect("every caller succeeds")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn va_07_five_hundred_callers_on_two_nodes_and_one_file() {
    storm(World::sqlite().await, 20, |_| None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn va_07_five_hundred_callers_on_two_nodes_and_one_server() {
    storm(World::postgresql(Server::shared()).await, 20, |_| None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fi_08_a_slow_provider_is_asked_once_all_the_same() {
    let slow = |round: u32| Some(Duration::from_millis(u64::from(round) * 700));
    storm(World::sqlite().await, 3, slow).await;
    storm(World::postgresql(Server::shared()).await, 2, |round| Some(Duration::from_secs(5) / round)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_refused_callers_renew_once() {
    let world = World::sqlite().await;
    let nodes = [world.node(), world.node()];
    world.connect(&nodes[0], "ada").await;
    let refused = [get(&nodes[0], "ada").await.unwrap(), get(&nodes[1], "ada").await.unwrap()];
    let calls = (0..100).map(|number| {
        let (vault, refused) = (nodes[number % 2].clone(), Arc::clone(&refused[number % 2]));
        tokio::spawn(async move { vault.rejected(&refused).await.unwrap().generation() })
    });
    for generation in join_all(calls.collect::<Vec<_>>()).await {
        assert_eq!(generation.unwrap(), 2);
    }
    assert_eq!(world.provider.calls("ada"), 1);
}
