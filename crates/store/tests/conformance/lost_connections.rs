//! What only the server engine has: connections that break, at the worst moment too.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::join_all;
use store::{CommitError, Store, StoreError, setting, user};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    process::Command,
};
use tokio_postgres::NoTls;

use crate::{
    database::{self, Database},
    postgresql::Server,
    world::{a_user, user_id},
};

const KILL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
     AND pid <> pg_backend_pid()";

/// Every answer is kept word for word: acknowledged is there, failed is not, and only the unknown may be
/// either.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_under_load_lose_nothing_acknowledged() {
    let database = Database::postgresql(&Server::shared());
    let store = database.store().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .map(|writer| tokio::spawn(write_until(store.clone(), writer, Arc::clone(&is_over))))
        .collect();
    for _ in 0..25 {
        database.execute(KILL).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let answers = join_all(writers).await.into_iter().flat_map(Result::unwrap);
    check_answers(&store, answers.collect()).await;
}

/// The hardest crash: the server's processes vanish, and it recovers from its log.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_in_a_crash_lose_nothing_acknowledged() {
    let server = Arc::new(Server::start());
    let database = Database::postgresql(&server);
    let store = database.store().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .map(|writer| tokio::spawn(write_until(store.clone(), writer, Arc::clone(&is_over))))
        .collect();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while store.setting("0 20").await.unwrap().is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the writers do not write");
        tokio::task::yield_now().await;
    }
    crash(&database).await;
    is_over.store(true, Ordering::Relaxed);
    let answers = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    while store.ready().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the server did not come back");
        tokio::task::yield_now().await;
    }
    check_answers(&store, answers).await;
}

/// Kills one server process without warning: the others stop at once, for shared memory may be damaged.
async fn crash(database: &Database) {
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let own: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    assert!(Command::new("kill").args(["-KILL", &own.to_string()]).status().await.unwrap().success());
}

type Answers = BTreeMap<String, Result<(), CommitError>>;

async fn write_until(store: Store, writer: usize, is_over: Arc<AtomicBool>) -> Answers {
    let mut answers = Answers::new();
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("{writer} {}", answers.len());
        let answer = store.commit(setting::insert_if_absent(&name, b"value")).await;
        answers.insert(name, answer);
    }
    answers
}

async fn check_answers(store: &Store, answers: Answers) {
    assert!(answers.values().filter(|answer| answer.is_ok()).count() > 16, "hardly anything was written");
    for (name, answer) in answers {
        let is_stored = store.setting(&name).await.unwrap().is_some();
        match answer {
            Ok(()) => assert!(is_stored, "{name} was acknowledged and is lost"),
            Err(CommitError::Store(StoreError::OutcomeUnknown { .. })) => {}
            Err(error) => assert!(!is_stored, "{name} is stored in spite of: {error}"),
        }
    }
}

/// What a proxy does to the first connection that brings a COMMIT.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// Passes the COMMIT on, and cuts before the answer.
    AfterCommit,
    /// Cuts, and the server never sees the COMMIT.
    BeforeCommit,
    /// As [`Cut::AfterCommit`], and lets nobody through afterwards.
    ForGood,
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_commit_arrived_it_is_not_run_again() {
    assert_eq!(cut_at_commit(Cut::AfterCommit).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_commit_arrived_it_is_run_again() {
    assert_eq!(cut_at_commit(Cut::BeforeCommit).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_good_leave_the_outcome_unknown() {
    let answer = cut_at_commit(Cut::ForGood).await;
    assert!(matches!(answer, Err(CommitError::Store(StoreError::OutcomeUnknown { .. }))), "{answer:?}");
}

/// The change counts, so that making it twice or not at all would show.
async fn cut_at_commit(cut: Cut) -> Result<(), CommitError> {
    let server = Server::shared();
    let database = Database::postgresql(&server);
    let direct = database.store().await;
    direct.commit(user::insert(&a_user())).await.unwrap();
    let port = start_proxy(&server, cut).await;
    let name = database.url.rsplit('/').next().unwrap();
    let store = database::open(&format!("postgres://postgres@127.0.0.1:{port}/{name}"));
    let answer = store.commit(user::set_password(&user_id(), "new")).await;
    let generation = direct.user(&user_id()).await.unwrap().unwrap().credentials_generation;
    assert_eq!(generation, a_user().credentials_generation + 1);
    answer
}

async fn start_proxy(server: &Server, cut: Cut) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = format!("{}/.s.PGSQL.5432", server.socket_directory());
    tokio::spawn(async move {
        let has_cut = Arc::new(AtomicBool::new(false));
        loop {
            let (client, _) = listener.accept().await.unwrap();
            if cut == Cut::ForGood && has_cut.load(Ordering::Relaxed) {
                continue;
            }
            let server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(relay(client, server, Arc::clone(&has_cut), cut));
        }
    });
    port
}

async fn relay(mut client: TcpStream, server: UnixStream, has_cut: Arc<AtomicBool>, cut: Cut) {
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = client.split();
    let answers = tokio::io::copy(&mut from_server, &mut to_client);
    let questions = async {
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = from_client.read(&mut buffer).await?;
            let is_commit = buffer[..length].windows(6).any(|window| window == b"COMMIT");
            let cuts_here = is_commit && !has_cut.swap(true, Ordering::Relaxed);
            if length == 0 || (cuts_here && cut == Cut::BeforeCommit) {
                return std::io::Result::Ok(());
            }
            to_server.write_all(&buffer[..length]).await?;
            if cuts_here {
                return Ok(());
            }
        }
    };
    tokio::select! {
        _ = answers => {}
        _ = questions => {}
    }
}
