//! What one core can do at most: the same benchmark program, started once more on the core of the server.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        UnparsedPublicKey,
    },
};
use axum::{Json, Router, body::Body, extract::Request, routing::post, serve::ListenerExt as _};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rusqlite::{Connection, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinSet};

use crate::{
    load,
    machine::{self, Pace},
    upstream,
};

/// Tells this program to be a limit.
pub(crate) const ARGUMENT: &str = "--limit";

const DURATION: Duration = Duration::from_millis(1500);
/// As many as the durable rows have clients.
const TASKS: u8 = 64;

/// A server that this program is when it is started once more; killed with the value.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// A bare axum server that reads a JSON object and sends it back.
    pub(crate) fn echo() -> Self {
        Self::start(&mut command(&["echo"]))
    }

    /// A bare reverse proxy: axum in, a hyper client with kept-open connections out.
    pub(crate) fn proxy(upstream: SocketAddr) -> Self {
        Self::start(&mut command(&["proxy", &upstream.to_string()]))
    }

    /// The tiny MCP server as a program of its own, on the core of the load. It sleeps when nobody asks it.
    pub(crate) fn upstream() -> Self {
        let mut command = machine::on_load_core(std::env::current_exe().expect("this program has a path"));
        Self::start(command.args([ARGUMENT, "upstream"]))
    }

    /// The proxy of `FastMCP` with its verifier for the tokens of `issuer`, if `cargo xtask setup` has installed it.
    pub(crate) async fn fastmcp(upstream: &str, issuer: &str, audience: &str) -> Option<Self> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let installed = fs::read_to_string(repository.join("target/test-clients")).ok()?;
        let python =
            installed.lines().find_map(|line| line.strip_prefix("VESTIBULE_TEST_PYTHON_SERVERS="))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/throughput/fastmcp_proxy.py");
        let mut command = machine::on_server_core(python);
        command
            .arg(script)
            .args([upstream, &format!("{issuer}/.well-known/jwks.json"), issuer, audience])
            .stderr(Stdio::null());
        // It asks the tiny server before it says anything, which answers on this very thread.
        let started = tokio::task::spawn_blocking(move || Self::start(&mut command));
        Some(started.await.expect("it starts"))
    }

    fn start(command: &mut std::process::Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        Self { child, address: line.trim_end().parse().expect("that is an address") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How fast it answers these clients.
    pub(crate) async fn run<C: load::Client>(&self, clients: Vec<C>, duration: Duration) -> Pace {
        machine::pace((self.child.id(), self.address), clients, duration).await.1
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// ES256 signatures per second.
pub(crate) fn signatures() -> f64 {
    rate(&["sign"])
}

/// ES256 verifications per second.
pub(crate) fn verifications() -> f64 {
    rate(&["verify"])
}

/// Rows per second that one writer thread inserts durably for 64 tasks, in one transaction whatever waits.
pub(crate) fn grouped_inserts(directory: &Path) -> f64 {
    rate(&["insert", &directory.to_string_lossy()])
}

fn rate(arguments: &[&str]) -> f64 {
    let output = command(arguments).stderr(Stdio::inherit()).output().expect("the limit is measured");
    let text = String::from_utf8(output.stdout).expect("a rate is text");
    text.trim_end().parse().expect("a rate is a number")
}

fn command(arguments: &[&str]) -> std::process::Command {
    let mut command = machine::on_server_core(std::env::current_exe().expect("this program has a path"));
    command.arg(ARGUMENT).args(arguments);
    command
}

/// What the program does when it is started as a limit.
pub(crate) fn serve(which: &str, rest: &[String]) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime starts");
    match (which, rest) {
        ("echo", _) => runtime.block_on(echo()),
        ("proxy", [upstream]) => runtime.block_on(proxy(upstream.clone())),
        ("upstream", _) => runtime.block_on(listen(upstream::router())),
        ("sign", _) => println!("{}", per_second(signer())),
        ("verify", _) => println!("{}", per_second(verifier())),
        ("insert", [directory]) => println!("{}", insert(&runtime, Path::new(directory))),
        other => panic!("{other:?} is no limit"),
    }
}

#[derive(Serialize, Deserialize)]
struct Message {
    id: u64,
    text: String,
}

async fn echo() {
    listen(Router::new().route("/", post(async |Json(message): Json<Message>| Json(message)))).await;
}

async fn proxy(upstream: String) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let pass = move |mut request: Request| {
        let (client, upstream) = (client.clone(), upstream.clone());
        async move {
            let path = request.uri().path().to_owned();
            *request.uri_mut() = format!("http://{upstream}{path}").parse().expect("that is a URL");
            client.request(request).await.expect("the upstream answers")
        }
    };
    listen(Router::new().fallback(pass)).await;
}

/// Serves on a free port, which it says, until it is killed.
pub(crate) async fn listen(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it has an address"));
    serve_on(listener, router).await;
}

/// Serves until the process, or the task, is ended.
pub(crate) async fn serve_on(listener: TcpListener, router: Router) {
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a TCP socket has this option"));
    axum::serve(listener, router).await.expect("it serves until it is killed");
}

/// As long as the claims of one of our access tokens.
const SIGNED: [u8; 480] = [b'a'; 480];

fn key_pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key is made")
}

fn signer() -> impl FnMut() {
    let (key, random) = (key_pair(), SystemRandom::new());
    move || {
        std::hint::black_box(key.sign(&random, &SIGNED).expect("it signs"));
    }
}

fn verifier() -> impl FnMut() {
    let key = key_pair();
    let signature = key.sign(&SystemRandom::new(), &SIGNED).expect("it signs");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref().to_vec());
    move || public.verify(&SIGNED, signature.as_ref()).expect("it is our signature")
}

fn per_second(mut operation: impl FnMut()) -> f64 {
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < DURATION {
        operation();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// A row to write, and who waits for it.
struct Job {
    key: [u8; 32],
    written: oneshot::Sender<()>,
}

fn insert(runtime: &Runtime, directory: &Path) -> f64 {
    let (jobs, queue) = mpsc::channel();
    let path = directory.join("limit.sqlite3");
    let writer = thread::spawn(move || write(open(&path), &queue));
    let rate = runtime.block_on(async {
        let began = Instant::now();
        let tasks: JoinSet<u32> = (0..TASKS).map(|task| ask(task, jobs.clone(), began)).collect();
        let rows: u32 = tasks.join_all().await.into_iter().sum();
        f64::from(rows) / began.elapsed().as_secs_f64()
    });
    drop(jobs);
    writer.join().expect("the writer ends with its queue");
    rate
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the database can be made");
    let set_up = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; DROP TABLE IF EXISTS rows; \
        CREATE TABLE rows (key BLOB PRIMARY KEY, body BLOB NOT NULL)";
    connection.execute_batch(set_up).expect("the table can be made");
    connection
}

async fn ask(task: u8, jobs: mpsc::Sender<Job>, began: Instant) -> u32 {
    let mut count: u32 = 0;
    while began.elapsed() < DURATION {
        // Keys of tokens are digests: they land anywhere in the index.
        let mut key = [task; 32];
        key[..4].copy_from_slice(&count.wrapping_mul(0x9e37_79b9).to_le_bytes());
        let (written, is_written) = oneshot::channel();
        jobs.send(Job { key, written }).expect("the writer takes jobs");
        is_written.await.expect("the writer answers");
        count += 1;
    }
    count
}

fn write(mut connection: Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(queue.try_iter()).collect();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("it begins");
        {
            let mut statement =
                transaction.prepare_cached("INSERT INTO rows VALUES (?1, ?2)").expect("it is valid");
            for job in &group {
                statement.execute(params![job.key, [7_u8; 120]]).expect("the row is written");
            }
        }
        transaction.commit().expect("it commits");
        for job in group {
            let _ = job.written.send(());
        }
    }
}
