//! What the gateway costs in front of a server elsewhere: token check, policy and audit are on.

use std::{net::SocketAddr, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    limits::Program,
    load,
    machine::Pace,
    person,
    requests::{self, Fixed},
    rows::{CONNECTIONS, RUN, beside},
    server::{self, Server},
    table::{Row, Table},
    upstream::{self, Upstream},
};

/// Where the tiny server stands at the gateway.
const PATH: &str = "/mcp/tiny";
const LIMIT: &str = "bare proxy";
const THROUGHPUT_GOAL: f64 = 0.6;
/// Microseconds.
const ADDED_GOAL: f64 = 100.0;
/// MiB.
const MEMORY_GOAL: f64 = 30.0;
/// KiB.
const STREAM_GOAL: f64 = 16.0;

/// Requests of which the median time is taken.
pub(crate) const TIMES: usize = 4000;
const RUNS: usize = 3;
/// Streams that are open at once.
const STREAMS: u32 = 2000;
/// How many of them are one client's, which may have 64.
const STREAMS_OF_ONE: u32 = 50;

/// Prints all rows of the gateway.
pub(crate) async fn measure(table: &mut Table) {
    let world = World::new().await;
    table.print(
        &world.throughput(Row::new("gateway: tools/call", LIMIT).with_goal(Some(THROUGHPUT_GOAL))).await,
    );
    // Whoever is slower than the server has to wake it for every request, and whoever is not does not.
    let asleep = World::before(Tiny::Asleep(Program::upstream())).await;
    table.print(&asleep.throughput(Row::new("gateway: tools/call, a server that sleeps", LIMIT)).await);
    drop(asleep);
    match world.fastmcp().await {
        Some(row) => table.print(&row),
        None => println!("| FastMCP's proxy: not measured, `cargo xtask setup` installs it | | | | | | | |"),
    }
    table.print_memory("gateway: memory under load", world.server.resident_memory(), Some(MEMORY_GOAL));
    let (direct, proxied, ours) = world.median_times().await;
    table.print_time("gateway: one call, to the server itself", direct, None);
    table.print_time("gateway: one call, through the bare proxy", proxied, None);
    table.print_time("gateway: one call, through Vestibule", ours, None);
    table.print_time("gateway: added over the bare proxy", ours - proxied, Some(ADDED_GOAL));
    drop(world);
    // On servers of their own: one that has done anything before would use again what it has freed, as if it cost nothing.
    let in_front = World::new().await.streams_in_front().await;
    table.print_share("gateway: idle stream (HTTP with SSE)", in_front, STREAM_GOAL);
    let through = World::new().await.streams_through().await;
    table.print_share("gateway: idle stream and the one behind it", through, STREAM_GOAL);
}

/// The configuration of a gateway before `upstream`.
pub(crate) fn before(upstream: SocketAddr) -> String {
    let url = upstream_url(upstream);
    format!("[[server]]\nname = \"tiny\"\nkind = \"remote\"\nurl = \"{url}\"\n")
}

fn upstream_url(upstream: SocketAddr) -> String {
    format!("http://{upstream}{}", upstream::PATH)
}

/// A call of the tiny server through such a gateway.
pub(crate) async fn call_through(server: &Server) -> Fixed {
    let access_token = person::own_token(server, PATH, "use").await;
    Fixed::new(requests::tool_call(PATH, upstream::TOOL, &access_token), 200)
}

/// The tiny server.
enum Tiny {
    /// Inside of the load.
    Awake(Upstream),
    /// As a program of its own.
    Asleep(Program),
}

impl Tiny {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Awake(upstream) => upstream.address(),
            Self::Asleep(program) => program.address(),
        }
    }
}

/// The gateway and the bare proxy before the same tiny server.
struct World {
    upstream: Tiny,
    proxy: Program,
    server: Server,
    access_token: String,
    /// Keeps the database until the server has ended.
    _directory: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::before(Tiny::Awake(Upstream::start().await)).await
    }

    async fn before(upstream: Tiny) -> Self {
        let directory = server::directory(&before(upstream.address()));
        let server = Server::start(directory.path()).await;
        let access_token = person::own_token(&server, PATH, "use").await;
        Self {
            proxy: Program::proxy(upstream.address()),
            upstream,
            server,
            access_token,
            _directory: directory,
        }
    }

    /// The same call, with the path of whoever it is sent to.
    fn call(&self, path: &str) -> Fixed {
        Fixed::new(requests::tool_call(path, upstream::TOOL, &self.access_token), 200)
    }

    /// Calls per second of the core's time. Load and upstream share the other core, and what they can do is not the
    /// question.
    async fn throughput(&self, row: Row) -> Row {
        let ours = async || of_core(self.server.run(vec![self.call(PATH); CONNECTIONS], RUN).await.1);
        beside(row, async || self.limit().await, ours).await
    }

    /// The same calls through the proxy of `FastMCP`, which verifies the same tokens.
    async fn fastmcp(&self) -> Option<Row> {
        let (issuer, upstream) =
            (format!("http://{}", self.server.address()), upstream_url(self.upstream.address()));
        let peer = Program::fastmcp(&upstream, &issuer, &format!("{issuer}{PATH}")).await?;
        let theirs = async || of_core(peer.run(vec![self.call(upstream::PATH); CONNECTIONS], RUN).await);
        let row = Row::new("peer: FastMCP's proxy, tools/call", LIMIT);
        Some(beside(row, async || self.limit().await, theirs).await)
    }

    async fn limit(&self) -> f64 {
        of_core(self.proxy.run(vec![self.call(upstream::PATH); CONNECTIONS], RUN).await).per_second
    }

    /// Microseconds of one call: to the server itself, through the bare proxy, through the gateway. Medians of runs that
    /// take turns.
    async fn median_times(&self) -> (f64, f64, f64) {
        let time = async |address: SocketAddr, path: &str| {
            let median: Duration = load::median_time(address, self.call(path), TIMES).await;
            median.as_secs_f64() * 1e6
        };
        let (mut direct, mut proxied, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            direct.push(time(self.upstream.address(), upstream::PATH).await);
            proxied.push(time(self.proxy.address(), upstream::PATH).await);
            ours.push(time(self.server.address(), PATH).await);
        }
        (crate::rows::median(direct), crate::rows::median(proxied), crate::rows::median(ours))
    }

    /// KiB of resident memory for each of many streams on which nothing happens, of a server that is built in.
    async fn streams_in_front(&self) -> f64 {
        let mut requests = Vec::new();
        for _ in 0..STREAMS / STREAMS_OF_ONE {
            let access_token = person::own_token(&self.server, "/mcp/demo", "read").await;
            let request = requests::event_stream("/mcp/demo/sse", &access_token);
            requests.extend(std::iter::repeat_n(request, STREAMS_OF_ONE as usize));
        }
        self.share_of_each(&requests).await
    }

    /// The same for streams of the tiny server, whose listeners share one connection to it.
    async fn streams_through(&self) -> f64 {
        let request = requests::listen(PATH, &self.access_token);
        self.share_of_each(&vec![request; STREAMS as usize]).await
    }

    async fn share_of_each(&self, requests: &[Vec<u8>]) -> f64 {
        let Some((first, others)) = requests.split_first() else { return 0.0 };
        // The first one touches code and tables that all of them share.
        let mut streams = vec![open(self.server.address(), first).await];
        let before = self.server.resident_memory();
        for request in others {
            streams.push(open(self.server.address(), request).await);
        }
        let count = u32::try_from(others.len()).expect("there are some thousands");
        (self.server.resident_memory() - before) * 1024.0 / f64::from(count)
    }
}

/// Requests per second of the core's time.
pub(crate) fn of_core(pace: Pace) -> Pace {
    Pace { per_second: 1e6 / pace.microseconds, ..pace }
}

/// A stream whose first bytes have come.
async fn open(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request).await.expect("the server takes requests");
    let mut received = Vec::new();
    while !received.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read_buf(&mut received).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection");
    }
    let head = String::from_utf8_lossy(&received);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream
}
