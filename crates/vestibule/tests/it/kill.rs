//! Nothing acknowledged is lost (product promise P1), though the process is killed in the middle of it.
//!
//! 1. 32 clients register, get a person's consent, redeem codes, refresh and revoke, all at once. Each logs
//!    every operation before it sends it, and its outcome once the answer is there ([`history`]).
//! 2. SIGKILL comes 0 to 50 ms after the first of them got an answer. An operation without an answer has an
//!    unknown outcome: it may have happened or not.
//! 3. The server is started again on the same data, and each client checks what it may rely on ([`checker`]):
//!    whatever was acknowledged holds, and whatever is unknown can be repeated.
//! 4. And again, a hundred times on one database. In the end everything that ever ended is still over.
//!
//! A second test gives the checker a server that has lost acknowledged writes, and the checker must say so.

mod checker;
mod endpoints;
mod flow;
mod history;
mod person;
mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use self::{flow::Flow, history::Tally, process::Process};

const FLOWS: u64 = 32;
const KILLS: u64 = 100;
/// At most this long after the first answer, in microseconds.
const LATEST_KILL: u64 = 50_000;
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
const READY_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_was_acknowledged_survives_a_hundred_kills() {
    let directory = directory();
    let mut process = Process::start(directory.path()).await;
    let mut flows = beginning(&process).await;
    let mut dice = Dice(2026);
    let mut slow_restarts = Vec::new();
    for cycle in 0..KILLS {
        flows = load_until_killed(flows, process, Duration::from_micros(dice.roll(LATEST_KILL))).await;
        process = Process::start(directory.path()).await;
        slow_restarts.extend(Some(process.ready_after()).filter(|time| *time >= READY_WITHIN));
        assert_eq!(integrity(directory.path()), "ok", "after kill {cycle}");
        flows = each(flows, |flow| checker::check(flow, process.address())).await;
        assert_eq!(violations(&flows), [""; 0], "after kill {cycle}\n{}", process.log());
    }
    flows = each(flows, |flow| checker::audit(flow, process.address())).await;
    assert_eq!(violations(&flows), [""; 0], "in the end\n{}", process.log());

    let tally = Tally::of(flows.iter().map(Flow::history));
    assert!(tally.is_telling(), "the kills did not meet enough work: {tally:?}");
    // Other tests share the machine and may stop a process for a while, but not again and again.
    assert!(slow_restarts.len() <= 2, "restarts took {slow_restarts:?}");
}

#[tokio::test]
async fn the_checker_notices_lost_writes() {
    let directory = directory();
    let process = Process::start(directory.path()).await;
    let flows = beginning(&process).await;
    process.stop().await;
    let earlier = tempfile::tempdir().expect("a temporary directory can be made");
    copy(&data(directory.path()), earlier.path());

    let process = Process::start(directory.path()).await;
    let flows = load_until_killed(flows, process, Duration::from_secs(1)).await;
    fs::remove_dir_all(data(directory.path())).expect("the data can be removed");
    copy(earlier.path(), &data(directory.path()));
    let process = Process::start(directory.path()).await;
    let holders: Vec<_> = flows.iter().filter(|flow| flow.holds_tokens()).map(Flow::number).collect();
    assert!(!holders.is_empty(), "no client was given a token that it could rely on");
    let flows = each(flows, |flow| checker::check(flow, process.address())).await;
    for flow in flows.iter().filter(|flow| holders.contains(&flow.number())) {
        assert!(!flow.history().violations.is_empty(), "unnoticed: {:?}", flow.history());
    }
}

/// A directory for the data, the configuration and the log. The issuer stays while the port changes, the limits
/// on strangers are out of the way, and what may be repeated may be repeated for longer than this takes.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let text = "public_url = \"http://127.0.0.1:8080\"\n\
        [limits]\nregistrations_per_address = 1000000\nregistrations = 1000000\n\
        authorization_requests_per_address = 1000000\n\
        [registration]\nmaximum_clients = 1000000\n\
        [lifetimes]\nauthorization_code = \"1h\"\naccess_token = \"1h\"\nrefresh_repeat = \"1h\"\n";
    fs::write(process::configuration(directory.path()), text).expect("the configuration can be written");
    directory
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the directory can be made");
    for entry in fs::read_dir(from).expect("the directory can be read") {
        let entry = entry.expect("the entry can be read");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("the file can be copied");
    }
}

/// The flows before they do anything, all on behalf of one person who is signed in.
async fn beginning(process: &Process) -> Vec<Flow> {
    let cookies = person::sign_in(process.address()).await;
    (0..FLOWS).map(|number| Flow::new(number, cookies.clone())).collect()
}

async fn load_until_killed(flows: Vec<Flow>, process: Process, after: Duration) -> Vec<Flow> {
    let address = process.address();
    let begun = Arc::new(Notify::new());
    let kill = async {
        timeout(ANSWERS_WITHIN, begun.notified()).await.expect("the server answers under load");
        tokio::time::sleep(after).await;
        process.kill().await;
    };
    tokio::join!(each(flows, |flow| flow.work(address, Arc::clone(&begun))), kill).0
}

/// Lets every flow take a step, all at once.
async fn each<Step>(flows: Vec<Flow>, step: impl Fn(Flow) -> Step) -> Vec<Flow>
where
    Step: Future<Output = Flow> + Send + 'static,
{
    let running: JoinSet<Flow> = flows.into_iter().map(step).collect();
    let mut flows = running.join_all().await;
    flows.sort_by_key(Flow::number);
    flows
}

fn violations(flows: &[Flow]) -> Vec<String> {
    flows.iter().flat_map(|flow| flow.history().violations.clone()).collect()
}

/// What `SQLite` itself says of its file, read beside the running server.
fn integrity(directory: &Path) -> String {
    let path = data(directory).join("vestibule.sqlite3");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let connection = connection.expect("the database can be opened");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it can be checked")
}

/// A generator of pseudo-random numbers (SplitMix64): the same seed makes the same choices.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}
