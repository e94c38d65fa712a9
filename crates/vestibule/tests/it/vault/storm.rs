//! VA-07 and FI-08: everybody comes at the moment at which the credential ends. The provider sees one refresh, and
//! everybody is served (product promise P3).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    installation::Installation,
    person::{Caller, Outcome, Person, WHOAMI},
    provider::Turn,
};

const CALLERS: usize = 500;
/// What access tokens are said to live. The vault refreshes them when half of that is over.
const SAID: Duration = Duration::from_secs(2);
/// The last of these makes everybody wait.
const DELAYS: [u64; 4] = [0, 30, 200, 1500];

/// After this many in an hour a credential that is refused is not renewed any more.
const REFUSALS: usize = 3;

/// The callers, spread over the nodes, each with a connection of its own.
struct Crowd {
    person: Arc<Person>,
    callers: Vec<Caller>,
}

impl Crowd {
    async fn of(installation: &Installation, person: Person) -> Self {
        let mut callers = Vec::new();
        for node in installation.nodes().iter().cycle().take(CALLERS) {
            callers.push(Caller::of(node).await);
        }
        Self { person: Arc::new(person), callers }
    }

    /// All of them call at once; whoever is not served fails the test.
    async fn calls(&mut self) {
        let barrier = Arc::new(Barrier::new(CALLERS));
        let mut calls = JoinSet::new();
        for mut caller in self.callers.drain(..) {
            let (person, barrier) = (Arc::clone(&self.person), Arc::clone(&barrier));
            calls.spawn(async move {
                barrier.wait().await;
                let outcome = caller.send(person.request(WHOAMI)).await;
                (caller, outcome)
            });
        }
        for (caller, outcome) in calls.join_all().await {
            assert_eq!(outcome, Outcome::Said("ada".to_owned()));
            self.callers.push(caller);
        }
    }
}

/// The credential ends because its time is over.
async fn at_expiry(installation: Installation, rounds: usize) {
    let provider = &installation.provider;
    provider.always(Turn { expires_in: Some(json!(SAID.as_secs())), ..Turn::default() });
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    let mut crowd = Crowd::of(&installation, person).await;
    for round in 0..rounds {
        tokio::time::sleep(SAID).await;
        let (before, began) = (provider.refreshes(), Instant::now());
        let delay = Duration::from_millis(DELAYS[round % DELAYS.len()]);
        provider.next(Turn { delay, expires_in: Some(json!(SAID.as_secs())), ..Turn::default() });
        crowd.calls().await;
        let (refreshes, took) = (provider.refreshes() - before, began.elapsed());
        assert!(refreshes == 1 || took > SAID / 2, "{refreshes} refreshes in round {round}, {took:?}");
    }
    assert!(provider.refreshes() >= rounds, "{}", provider.refreshes());
    assert_eq!(provider.attempts(), provider.refreshes());
    assert_eq!((provider.early(), provider.overlaps(), provider.reuses()), (0, 0, 0));
}

/// The provider ends it before its time: everybody is refused with the same credential.
async fn at_refusal(installation: Installation, rounds: usize) {
    let provider = &installation.provider;
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    let mut crowd = Crowd::of(&installation, person).await;
    for round in 1..=rounds {
        provider.expire_access_tokens();
        crowd.calls().await;
        assert_eq!(provider.attempts(), round, "one refresh for everybody in each round");
    }
    assert_eq!((provider.refreshes(), provider.overlaps(), provider.reuses()), (rounds, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn va_07_500_callers_at_expiry_on_one_node() {
    at_expiry(Installation::alone().await, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn va_07_and_fi_08_500_callers_at_expiry_on_two_nodes() {
    at_expiry(Installation::of_two().await, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn va_07_500_callers_with_a_credential_that_is_refused_on_two_nodes() {
    at_refusal(Installation::of_two().await, REFUSALS).await;
}
