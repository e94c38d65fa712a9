//! What a tool costs that is an operation of a REST API: token check, policy, audit log and a credential of the vault are
//! on. It is held against the very request that the API gets, through the bare proxy.

use std::{fs, net::SocketAddr, time::Duration};

use tempfile::TempDir;

use crate::{
    gateway::{TIMES, of_core},
    limits::Program,
    load, person,
    requests::{self, Fixed},
    rows::{CONNECTIONS, RUN, beside, median},
    server::{self, Server},
    table::{Row, Table},
    upstream::{self, Upstream},
};

/// Where the API stands at the gateway.
const PATH: &str = "/mcp/rest";
/// The goal of a call beside the bare proxy.
const GOAL: f64 = 0.5;
const RUNS: usize = 3;

const DOCUMENT: &str = r#"{
  "openapi": "3.1.0",
  "info": { "title": "Greetings", "version": "1" },
  "paths": { "/greetings/{name}": { "get": {
    "operationId": "greet",
    "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
    "responses": { "200": { "description": "A greeting" } }
  } } }
}"#;

/// Prints all rows.
pub(crate) async fn measure(table: &mut Table) {
    let world = World::new().await;
    let ours = async || of_core(world.server.run(vec![world.call(); CONNECTIONS], RUN).await.1);
    let limit = async || of_core(world.proxy.run(vec![request(); CONNECTIONS], RUN).await).per_second;
    let row = Row::new("openapi: tools/call", "bare proxy").with_goal(Some(GOAL));
    table.print(&beside(row, limit, ours).await);
    let (direct, proxied, ours) = world.median_times().await;
    table.print_time("openapi: one request, to the API itself", direct, None);
    table.print_time("openapi: one request, through the bare proxy", proxied, None);
    table.print_time("openapi: one call, through Vestibule", ours, None);
}

/// The gateway and the bare proxy before the same tiny API.
struct World {
    upstream: Upstream,
    proxy: Program,
    server: Server,
    access_token: String,
    /// Keeps the document, and the database until the server has ended.
    _directory: TempDir,
}

impl World {
    async fn new() -> Self {
        let upstream = Upstream::start().await;
        let directory = directory(upstream.address());
        let server = Server::start(directory.path()).await;
        let access_token = person::own_token(&server, PATH, "use").await;
        let proxy = Program::proxy(upstream.address());
        // A tool that fails is answered with 200 too.
        let (_, answer) = person::send(&server, call(&access_token), 200).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("hello, world"), "{answer}");
        Self { upstream, proxy, server, access_token, _directory: directory }
    }

    /// The call that becomes [`request`].
    fn call(&self) -> Fixed {
        Fixed::new(call(&self.access_token), 200)
    }

    /// Microseconds: of the request itself, of the request through the bare proxy, of the call. Medians of runs that
    /// take turns.
    async fn median_times(&self) -> (f64, f64, f64) {
        let time = async |address: SocketAddr, client: Fixed| {
            let median: Duration = load::median_time(address, client, TIMES).await;
            median.as_secs_f64() * 1e6
        };
        let (mut direct, mut proxied, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            direct.push(time(self.upstream.address(), request()).await);
            proxied.push(time(self.proxy.address(), request()).await);
            ours.push(time(self.server.address(), self.call()).await);
        }
        (median(direct), median(proxied), median(ours))
    }
}

/// A directory for a gateway before the API at `upstream`.
pub(crate) fn directory(upstream: SocketAddr) -> TempDir {
    let directory = server::directory(&format!(
        "[[provider]]\nname = \"greetings\"\nkind = \"api_key\"\nheader = \"x-api-key\"\n\
         secret = \"a key of the benchmark\"\n\
         [[server]]\nname = \"rest\"\nkind = \"openapi\"\ndocument = \"greetings.json\"\n\
         base_url = \"http://{upstream}\"\nprovider = \"greetings\"\n"
    ));
    fs::write(directory.path().join("greetings.json"), DOCUMENT).expect("a file can be written");
    directory
}

/// A call of the API through such a gateway.
pub(crate) async fn call_through(server: &Server) -> Fixed {
    Fixed::new(call(&person::own_token(server, PATH, "use").await), 200)
}

fn call(access_token: &str) -> Vec<u8> {
    requests::tool_call_with(PATH, "greet", r#"{"name":"world"}"#, access_token)
}

/// What the API is asked.
fn request() -> Fixed {
    let path = upstream::GREETINGS;
    Fixed::new(
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: a key of the benchmark\r\n\r\n"),
        200,
    )
}
