//! Whatever happens in whatever order, two nodes do as a model of a few lines says.

use std::time::Duration;

use oauth::Clock;
use proptest::prelude::*;
use vault::{ConnectionId, CredentialError, Follower, NeedReason, ReconnectReason, Vault, provider::Failure};

use crate::{
    provider::{HOUR, Turn, gone},
    world::{World, get, github, owner},
};

/// What can happen. Nodes are 0 and 1.
#[derive(Debug, Clone, Copy)]
enum Step {
    Connect(usize),
    Get(usize),
    Refused(usize),
    Disconnect(usize),
    Restart(usize),
    /// The next request to the provider goes so.
    Next(Provider),
    PauseOver,
    TenMinutesPass,
    TheEndIsNear,
    TheEndPasses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Gone,
    Away,
    Lost,
}

/// What a caller should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Generation(i64),
    Never,
    Reconnect(ReconnectReason),
    Unavailable,
}

/// The model of one connection.
#[derive(Debug, Default)]
struct Model {
    connection: Option<Connection>,
    next: Vec<Provider>,
    calls: u32,
}

#[derive(Debug)]
struct Connection {
    generation: i64,
    /// Seconds.
    ends_at: i64,
    broken: Option<ReconnectReason>,
    is_paused: bool,
    refusals: u32,
}

impl Model {
    fn get(&mut self, now: i64, is_refused: bool) -> Seen {
        let Some(connection) = &mut self.connection else { return Seen::Never };
        if let Some(reason) = connection.broken {
            return Seen::Reconnect(reason);
        }
        let is_valid = now < connection.ends_at;
        if !is_refused && now < connection.ends_at - 330 {
            return Seen::Generation(connection.generation);
        }
        if is_refused && connection.refusals == 3 {
            connection.broken = Some(ReconnectReason::Rejected);
            return Seen::Reconnect(ReconnectReason::Rejected);
        }
        let old =
            if is_valid && !is_refused { Seen::Generation(connection.generation) } else { Seen::Unavailable };
        if connection.is_paused {
            return old;
        }
        self.calls += 1;
        match if self.next.is_empty() { None } else { Some(self.next.remove(0)) } {
            None => {
                connection.generation += 1;
                connection.ends_at = now + 3600;
                connection.refusals += u32::from(is_refused && is_valid);
                Seen::Generation(connection.generation)
            }
            Some(Provider::Away) => {
                connection.is_paused = true;
                old
            }
            Some(Provider::Gone) => {
                connection.broken = Some(ReconnectReason::Withdrawn);
                Seen::Reconnect(ReconnectReason::Withdrawn)
            }
            Some(Provider::Lost) => {
                connection.broken = Some(ReconnectReason::UnknownOutcome);
                Seen::Reconnect(ReconnectReason::UnknownOutcome)
            }
        }
    }
}

/// The real thing.
struct Real {
    world: World,
    nodes: [(Vault, Follower); 2],
    connections: u32,
}

impl Real {
    async fn new() -> Self {
        let world = World::sqlite().await;
        let node = || {
            let vault = world.node();
            (vault.clone(), vault.follow())
        };
        let nodes = [node(), node()];
        Self { world, nodes, connections: 0 }
    }

    fn now(&self) -> i64 {
        self.world.clock.now().seconds()
    }

    /// The account is another one each time: the provider has not ended it.
    async fn connect(&mut self, node: usize) {
        self.connections += 1;
        let received = self.world.received(&format!("account{}", self.connections));
        self.nodes[node].0.create(&owner("ada"), &github(), received).await.unwrap();
    }

    async fn chosen(&self) -> Option<ConnectionId> {
        let connections = self.nodes[0].0.connections(&owner("ada")).await.unwrap();
        connections.into_iter().find(|connection| connection.is_chosen).map(|connection| connection.id)
    }

    async fn get(&mut self, node: usize) -> Seen {
        let answer = get(&self.nodes[node].0, "ada").await;
        seen(answer.map(|credential| credential.generation()))
    }

    /// A credential that is given out now is refused by the API.
    async fn refused(&mut self, node: usize) -> Option<Seen> {
        let vault = &self.nodes[node].0;
        let credential = get(vault, "ada").await.ok()?;
        Some(seen(vault.rejected(&credential).await.map(|credential| credential.generation())))
    }

    async fn restart(&mut self, node: usize) {
        let vault = self.world.node();
        assert_eq!(vault.settle_intents().await.unwrap(), vault::Settled::default(), "nothing was left open");
        self.nodes[node] = (vault.clone(), vault.follow());
    }
}

fn seen(answer: Result<i64, CredentialError>) -> Seen {
    match answer {
        Ok(generation) => Seen::Generation(generation),
        Err(CredentialError::Unavailable { .. }) => Seen::Unavailable,
        Err(CredentialError::Connect(need)) => match need.reason {
            NeedReason::Never => Seen::Never,
            NeedReason::Reconnect(reason) => Seen::Reconnect(reason),
            NeedReason::Scope(_) => panic!("the scope is enough"),
        },
        Err(error) => panic!("{error}"),
    }
}

async fn run(steps: Vec<Step>) {
    let (mut model, mut real) = (Model::default(), Real::new().await);
    for step in steps {
        for (_, follower) in &mut real.nodes {
            follower.catch_up().await.unwrap();
        }
        let now = real.now();
        match step {
            Step::Connect(node) => {
                if let Some(id) = real.chosen().await {
                    real.nodes[node].0.delete(&owner("ada"), &id).await.unwrap();
                }
                real.connect(node).await;
                let (generation, ends_at) = (1, now + 3600);
                model.connection =
                    Some(Connection { generation, ends_at, broken: None, is_paused: false, refusals: 0 });
            }
            Step::Get(node) => assert_eq!(real.get(node).await, model.get(now, false), "{step:?}"),
            Step::Refused(node) => {
                let first = model.get(now, false);
                let expect = matches!(first, Seen::Generation(_)).then(|| model.get(now, true));
                assert_eq!(real.refused(node).await, expect, "{step:?}");
            }
            Step::Disconnect(node) => {
                if let Some(id) = real.chosen().await {
                    real.nodes[node].0.delete(&owner("ada"), &id).await.unwrap();
                }
                model.connection = None;
            }
            Step::Restart(node) => real.restart(node).await,
            Step::Next(provider) => {
                model.next.push(provider);
                real.world.provider.then(match provider {
                    Provider::Gone => Turn::Fail(gone()),
                    Provider::Away => Turn::Fail(Failure::Limited { retry_after: Some(HOUR) }),
                    Provider::Lost => Turn::Lose,
                });
            }
            Step::PauseOver => {
                real.world.execute("UPDATE credentials SET not_before = 0");
                if let Some(connection) = &mut model.connection {
                    connection.is_paused = false;
                }
            }
            Step::TenMinutesPass => real.world.clock.pass(Duration::from_mins(10)),
            Step::TheEndIsNear | Step::TheEndPasses => {
                let near = if matches!(step, Step::TheEndIsNear) { 60 } else { 0 };
                let left = model.connection.as_ref().map_or(0, |connection| connection.ends_at - near - now);
                real.world.clock.pass(Duration::from_secs(u64::try_from(left).unwrap_or(0)));
            }
        }
        assert_eq!(real.world.provider.all_calls(), model.calls, "{step:?}");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = 0..2_usize;
    let provider = prop_oneof![Just(Provider::Gone), Just(Provider::Away), Just(Provider::Lost)];
    let step = prop_oneof![
        2 => node.clone().prop_map(Step::Connect),
        8 => node.clone().prop_map(Step::Get),
        3 => node.clone().prop_map(Step::Refused),
        1 => node.clone().prop_map(Step::Disconnect),
        1 => node.prop_map(Step::Restart),
        2 => provider.prop_map(Step::Next),
        1 => Just(Step::PauseOver),
        3 => Just(Step::TenMinutesPass),
        2 => Just(Step::TheEndIsNear),
        3 => Just(Step::TheEndPasses),
    ];
    prop::collection::vec(step, 1..40).prop_map(|mut steps| {
        steps.insert(0, Step::Connect(0));
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_nodes_do_as_the_model_says(steps in steps()) {
        tokio::runtime::Runtime::new().unwrap().block_on(run(steps));
    }
}
