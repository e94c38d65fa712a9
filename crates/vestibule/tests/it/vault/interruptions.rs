//! VA-09, VA-10, VA-15, FI-11 and FI-14: callers that leave, nodes that stop, a database that cannot be written, and
//! processes that are killed in the middle of a refresh.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    installation::{Installation, SOON},
    person::{Outcome, Person, WHOAMI},
    provider::{Fault, Gate, Turn, When},
};
use crate::{attacks::world::World, http_client};

const SAID: Duration = Duration::from_secs(2);
/// How many processes are killed, each of an installation of its own.
const KILLS: usize = 200;
/// How many installations there are at once.
const AT_ONCE: usize = 10;
/// At most this long after the provider has rotated.
const LATEST_KILL: Duration = Duration::from_millis(4);

fn said() -> Outcome {
    Outcome::Said("ada".to_owned())
}

/// Somebody who has connected, and whose credential has ended.
async fn ended(installation: &Installation) -> Person {
    installation.provider.next(Turn { expires_in: Some(json!(SAID.as_secs())), ..Turn::default() });
    let person = Person::at(installation.node()).await;
    person.connects(installation).await;
    tokio::time::sleep(SAID).await;
    person
}

/// Calls until this is the outcome.
async fn until(person: &Person, node: &World, is_expected: impl Fn(&Outcome) -> bool) -> Outcome {
    let deadline = Instant::now() + 2 * SOON;
    loop {
        let outcome = person.call(node, WHOAMI).await;
        if is_expected(&outcome) {
            return outcome;
        }
        assert!(Instant::now() < deadline, "{outcome:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The next refresh waits at this gate.
fn gate(installation: &Installation, when: When, fault: Option<Fault>) -> Gate {
    let (turn, gate) = Turn::gate(when);
    installation.provider.next(Turn { fault, ..turn });
    gate
}

#[tokio::test]
async fn va_10_a_caller_that_leaves_takes_no_refresh_along() {
    let installation = Installation::alone().await;
    let person = ended(&installation).await;
    for when in [When::BeforeCommit, When::AfterCommit] {
        let before = installation.provider.refreshes();
        let gate = gate(&installation, when, None);
        let address = installation.node().server.address();
        let call = tokio::spawn(http_client::send(address, person.request(WHOAMI)));
        gate.reached().await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        gate.open();
        assert_eq!(until(&person, installation.node(), Outcome::is_said).await, said());
        assert_eq!(
            installation.provider.refreshes() - before,
            1,
            "{when:?}: nothing was lost with the caller"
        );
        installation.provider.next(Turn { expires_in: Some(json!(SAID.as_secs())), ..Turn::default() });
        installation.refuse_tokens();
        assert_eq!(person.call(installation.node(), WHOAMI).await, said());
        tokio::time::sleep(SAID).await;
    }
    assert_eq!(installation.provider.reuses(), 0);
}

#[tokio::test]
async fn va_09_what_could_not_be_stored_is_not_asked_for_on_sqlite() {
    let installation = Installation::alone().await;
    let person = ended(&installation).await;
    let before = installation.provider.attempts();
    let file = installation.data_directory().join("vestibule.sqlite3");
    let holder = rusqlite::Connection::open(file).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = person.call(installation.node(), WHOAMI).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(
        installation.provider.attempts(),
        before,
        "the provider was asked though nothing can be stored"
    );
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(until(&person, installation.node(), Outcome::is_said).await, said());
    assert_eq!(installation.provider.attempts() - before, 1);
}

#[tokio::test]
async fn va_09_what_could_not_be_stored_is_not_asked_for_on_postgresql() {
    let installation = Installation::of_two_apart().await;
    let person = ended(&installation).await;
    let before = installation.provider.attempts();
    read_only(&installation, "on");
    for node in installation.nodes() {
        let outcome = person.call(node, WHOAMI).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    }
    assert_eq!(
        installation.provider.attempts(),
        before,
        "the provider was asked though nothing can be stored"
    );
    read_only(&installation, "off");
    for node in installation.nodes() {
        assert_eq!(until(&person, node, Outcome::is_said).await, said());
    }
    assert_eq!(installation.provider.attempts() - before, 1);
}

/// Every connection is a new one afterwards, and can write or cannot.
fn read_only(installation: &Installation, value: &str) {
    let database = installation.database();
    let name = database.rsplit('/').next().unwrap();
    let ask = |statement: String| {
        let output = Command::new("psql")
            .args([database, "--command", &statement])
            .env("PGOPTIONS", "-c default_transaction_read_only=off")
            .output()
            .unwrap();
        assert!(output.status.success(), "{statement}: {output:?}");
    };
    ask(format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}"));
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()"
        .to_owned());
}

/// The holder of the lease sleeps past it, and what it then hears from the provider is a failure.
#[tokio::test]
async fn va_15_and_fi_11_a_node_that_slept_past_its_lease_does_no_harm() {
    let installation = Installation::of_two().await;
    let person = ended(&installation).await;
    let [sleeper, other] = installation.nodes() else { panic!("there are two") };
    let before = installation.provider.attempts();
    let gate = gate(&installation, When::BeforeCommit, Some(Fault::Cut));
    let call = tokio::spawn(http_client::send(sleeper.server.address(), person.request(WHOAMI)));
    gate.reached().await;
    sleeper.server.signal("-STOP");
    let outcome = until(&person, other, |outcome| !matches!(outcome, Outcome::Failed { .. })).await;
    gate.open();
    sleeper.server.signal("-CONT");
    drop(call.await);
    if let Outcome::Connect { url, .. } = &outcome {
        // Nobody could know whether the provider had rotated.
        person.connect(&installation, other, url).await;
    }
    for node in installation.nodes() {
        assert_eq!(until(&person, node, Outcome::is_said).await, said());
    }
    assert!(installation.provider.attempts() - before <= 2, "one more than needed, at most");
    assert_eq!(installation.provider.reuses(), 0);
}

/// The holder sleeps past its lease with the provider's answer in its socket.
#[tokio::test]
async fn va_15_tokens_that_come_late_are_kept_or_asked_for_again() {
    let installation = Installation::of_two().await;
    let person = ended(&installation).await;
    let [sleeper, other] = installation.nodes() else { panic!("there are two") };
    let before = installation.provider.attempts();
    let gate = gate(&installation, When::AfterCommit, None);
    let call = tokio::spawn(http_client::send(sleeper.server.address(), person.request(WHOAMI)));
    gate.reached().await;
    sleeper.server.signal("-STOP");
    gate.open();
    let outcome = until(&person, other, |outcome| !matches!(outcome, Outcome::Failed { .. })).await;
    sleeper.server.signal("-CONT");
    drop(call.await);
    assert!(installation.provider.attempts() - before <= 2, "one more than needed, at most");
    let asked = person.call(other, WHOAMI).await;
    if let (Outcome::Connect { .. }, Outcome::Connect { url, .. }) = (&outcome, &asked) {
        person.connect(&installation, other, url).await;
    }
    for node in installation.nodes() {
        assert_eq!(until(&person, node, Outcome::is_said).await, said());
    }
    let attempts = installation.provider.attempts();
    for node in installation.nodes() {
        assert_eq!(person.call(node, WHOAMI).await, said());
    }
    assert_eq!(installation.provider.attempts(), attempts, "nobody goes on asking");
}

/// SIGKILL when the answer is under way, half read, read, or stored. Gives whether it was stored.
async fn survives(kill: usize) -> bool {
    let mut installation = Installation::alone().await;
    let person = ended(&installation).await;
    let before = installation.provider.attempts();
    let gate = gate(&installation, When::AfterCommit, None);
    let call = tokio::spawn(http_client::start(installation.node().server.address(), person.request(WHOAMI)));
    gate.reached().await;
    gate.open();
    tokio::time::sleep(LATEST_KILL * u32::try_from(kill).unwrap() / u32::try_from(KILLS).unwrap()).await;
    installation.kill_and_start();
    drop(call.await);
    let is_answered = |outcome: &Outcome| !matches!(outcome, Outcome::Failed { .. });
    let outcome = until(&person, installation.node(), is_answered).await;
    for _ in 0..5 {
        person.call(installation.node(), WHOAMI).await;
    }
    let attempts = installation.provider.attempts() - before;
    assert!(attempts <= 2, "kill {kill}: the provider was asked {attempts} times");
    let Outcome::Connect { url, told } = outcome else { return true };
    assert!(told.contains("Reconnect"), "kill {kill}: {told}");
    person.connect(&installation, installation.node(), &url).await;
    assert_eq!(person.call(installation.node(), WHOAMI).await, said(), "kill {kill}");
    false
}

#[tokio::test]
async fn fi_14_a_kill_between_answer_and_store_ends_in_a_question_and_never_in_a_loop() {
    let kills: Vec<usize> = (0..KILLS).collect();
    let mut stored = 0;
    for kills in kills.chunks(AT_ONCE) {
        let survived = join_all(kills.iter().map(|kill| survives(*kill))).await;
        stored += survived.into_iter().filter(|stored| *stored).count();
    }
    println!("of {KILLS} kills {stored} came after the tokens were stored");
    assert!(stored < KILLS, "every kill came too late");
}
