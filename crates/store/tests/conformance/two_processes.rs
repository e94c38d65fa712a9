//! The same races as in `parallel`, but the second node is a second process: this test program again, which
//! runs only `second_process` and is told what to do on its standard input.

use std::process::Stdio;

use store::Batch;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

use crate::{
    database::{self, Database},
    parallel::{count_successes, redemption, rotation},
    world::populate,
};

const READY: &str = "second process is ready";
const SUCCESSES: &str = "successes of the second process: ";

pub(crate) async fn redeem_one_code_once(database: Database) {
    race(database, "redeem").await;
}

pub(crate) async fn rotate_one_refresh_token_once(database: Database) {
    race(database, "rotate").await;
}

async fn race(database: Database, task: &'static str) {
    let store = database.store().await;
    populate(&store).await;
    let mut child = start_second_process();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    input.write_all(format!("{}\n{task}\n", database.url).as_bytes()).await.unwrap();
    while !output.next_line().await.unwrap().expect("the second process ended early").contains(READY) {}

    input.write_all(b"go\n").await.unwrap();
    let own = count_successes([store.clone(), store], batches(task)).await;
    let theirs: usize = loop {
        let line = output.next_line().await.unwrap().expect("the second process gave no count");
        if let Some((_, count)) = line.split_once(SUCCESSES) {
            break count.trim().parse().unwrap();
        }
    };
    assert!(child.wait().await.unwrap().success());
    assert_eq!(own + theirs, 1, "{own} here, {theirs} in the second process");
}

fn batches(task: &str) -> impl Iterator<Item = Batch> + use<> {
    let batch = if task == "redeem" { redemption } else { rotation };
    (0..32).map(batch)
}

fn start_second_process() -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "two_processes::second_process", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
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
    let successes = count_successes([store.clone(), store], batches(&task)).await;
    println!("{SUCCESSES}{successes}");
}
