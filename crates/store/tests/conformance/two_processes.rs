//! The same races as in `parallel`, but the second node is a second process: this test program again, which
//! runs only `second_process` and is told what to do on its standard input.

use std::process::Stdio;

use store::{Batch, Store, setting};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    connections::taking,
    database::{self, Database},
    parallel::{count_successes, redemption, rotation},
    world::populate,
};

const READY: &str = "second process is ready";
const ACKNOWLEDGED: &str = "the second process wrote: ";
const SUCCESSES: &str = "successes of the second process: ";

pub(crate) async fn redeem_one_code_once(database: Database) {
    race(database, "redeem").await;
}

pub(crate) async fn rotate_one_refresh_token_once(database: Database) {
    race(database, "rotate").await;
}

pub(crate) async fn take_one_credential_once(database: Database) {
    race(database, "take").await;
}

/// The second process is killed while it writes: what it said it had written is there.
pub(crate) async fn killed_while_writing_lose_nothing_acknowledged(database: Database) {
    let store = database.store().await;
    let mut second = SecondProcess::start(&database.url, "write").await;
    second.tell("go").await;
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 100 {
        acknowledged.push(second.answer(ACKNOWLEDGED).await);
    }
    second.process.kill().await.unwrap();
    while let Some(line) = second.output.next_line().await.unwrap() {
        acknowledged.extend(line.split_once(ACKNOWLEDGED).map(|(_, name)| name.to_owned()));
    }
    for name in acknowledged {
        assert!(store.setting(&name).await.unwrap().is_some(), "{name} is lost");
    }
    store.commit(setting::insert_if_absent("afterwards", b"value")).await.unwrap();
}

async fn race(database: Database, task: &str) {
    let store = database.store().await;
    populate(&store).await;
    let mut second = SecondProcess::start(&database.url, task).await;
    second.tell("go").await;
    let own = count_successes([store.clone(), store], batches(task)).await;
    let theirs: usize = second.answer(SUCCESSES).await.parse().unwrap();
    assert!(second.process.wait().await.unwrap().success());
    assert_eq!(own + theirs, 1, "{own} here, {theirs} in the second process");
}

fn batches(task: &str) -> impl Iterator<Item = Batch> + use<> {
    let batch = match task {
        "redeem" => redemption,
        "take" => taking,
        _ => rotation,
    };
    (0..32).map(batch)
}

struct SecondProcess {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl SecondProcess {
    /// Starts it and waits until it has opened the database.
    async fn start(url: &str, task: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "two_processes::second_process", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut second = Self { process, input, output };
        second.tell(url).await;
        second.tell(task).await;
        second.answer(READY).await;
        second
    }

    async fn tell(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// What follows `mark` on the next line that has it; the test harness writes between.
    async fn answer(&mut self, mark: &str) -> String {
        loop {
            let line = self.output.next_line().await.unwrap().expect("the second process ended early");
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.trim().to_owned();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is the second process of the cases here, and does nothing by itself"]
async fn second_process() {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let (Some(url), Some(task)) = (input.next_line().await.unwrap(), input.next_line().await.unwrap()) else {
        return;
    };
    let store = database::open(&url);
    store.ready().await.unwrap();
    println!("{READY}");
    input.next_line().await.unwrap();
    if task == "write" {
        return write_for_ever(&store).await;
    }
    let successes = count_successes([store.clone(), store], batches(&task)).await;
    println!("{SUCCESSES}{successes}");
}

async fn write_for_ever(store: &Store) {
    for number in 0_u64.. {
        let name = number.to_string();
        store.commit(setting::insert_if_absent(&name, b"value")).await.unwrap();
        println!("{ACKNOWLEDGED}{name}");
    }
}
