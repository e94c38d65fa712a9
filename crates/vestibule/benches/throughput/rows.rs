//! What is measured.

use std::{path::Path, time::Duration};

use crate::{
    limits::{self, Program},
    machine::Pace,
    person::{self, Person, RegisteredClient},
    requests::{self, Chain, Fixed, Stock},
    server::{self, Server},
    table::{Row, Table},
};

const RUNS: usize = 3;
pub(crate) const RUN: Duration = Duration::from_secs(2);
/// Connections of the rows that do not wait for the disk.
pub(crate) const CONNECTIONS: usize = 16;
/// Connections of the rows that do.
const DURABLE_CONNECTIONS: usize = 64;
/// How many tokens or codes are collected to be used once each in one run.
const ONCE: u32 = 8000;
const PATIENCE: Duration = Duration::from_mins(2);

const STARTS: usize = 5;
const READY_GOAL: Duration = Duration::from_millis(200);
const MEMORY_GOAL: f64 = 30.0;

/// The rows in the order of the table.
pub(crate) const ROWS: [&str; 10] = [
    "bearer check",
    "tools/call get_user_profile",
    "tools/call get_data",
    "tools/call get_data, not audited",
    "tools/call, token never seen before",
    "client_credentials",
    "introspection",
    "refresh",
    "authorization request → code",
    "authorization code → token",
];

/// Start and memory of a server that has nothing to do.
pub(crate) async fn start_and_memory(table: &mut Table) {
    let directory = server::directory("");
    let first = Server::start(directory.path()).await;
    table.print_start("first start → ready", first.ready_after(), None);
    drop(first);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(directory.path()).await;
        times.push(server.ready_after());
        if times.len() == STARTS {
            table.print_memory("memory, idle", server.resident_memory(), Some(MEMORY_GOAL));
        }
    }
    times.sort();
    table.print_start("start → ready", times[STARTS / 2], Some(READY_GOAL));
}

/// A running server with a client and a person who trusts it, beside the echo server.
pub(crate) struct World {
    pub(crate) server: Server,
    echo: Program,
    client: RegisteredClient,
    person: Person,
    /// Keeps the database until the server has ended.
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more in its configuration.
    async fn with(configuration: &str) -> Self {
        let directory = server::directory(configuration);
        let server = Server::start(directory.path()).await;
        let client = RegisteredClient::register(&server).await;
        let person = Person::sign_in(&server, &client).await;
        Self { server, echo: Program::echo(), client, person, _directory: directory }
    }

    /// Measures one of [`ROWS`].
    pub(crate) async fn measure(&self, name: &'static str) -> Row {
        match name {
            "bearer check" => self.bearer_check(name).await,
            "tools/call get_user_profile" => self.tool_call(name, "get_user_profile", None).await,
            "tools/call get_data" => self.tool_call(name, "get_data", None).await,
            "tools/call get_data, not audited" => {
                let world = Self::with("[audit]\ntool_calls = false\n").await;
                world.tool_call(name, "get_data", Some(0.4)).await
            }
            "tools/call, token never seen before" => self.first_sight(name).await,
            "client_credentials" => self.client_credentials(name).await,
            "introspection" => self.introspection(name).await,
            "refresh" => self.refresh(name).await,
            "authorization request → code" => self.authorization_request(name).await,
            _ => self.authorization_code(name).await,
        }
    }

    /// A request that is over as soon as its token is found good: there is nothing to GET.
    async fn bearer_check(&self, name: &'static str) -> Row {
        let (access_token, _) = self.tokens().await;
        let request = format!(
            "GET /mcp/demo HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {access_token}\r\n\r\n"
        );
        let ours = async || self.throughput(&Fixed::new(&request, 405)).await;
        beside(Row::new(name, "echo"), async || self.echo().await, ours).await
    }

    async fn tool_call(&self, name: &'static str, tool: &str, goal: Option<f64>) -> Row {
        let (access_token, _) = self.tokens().await;
        let request = Fixed::new(requests::tool_call("/mcp/demo", tool, &access_token), 200);
        let ours = async || self.throughput(&request).await;
        beside(Row::new(name, "echo").with_goal(goal), async || self.echo().await, ours).await
    }

    async fn first_sight(&self, name: &'static str) -> Row {
        let limit = async || together(self.echo().await, limits::verifications());
        let ours = async || {
            let tokens = self.access_tokens().await;
            let calls = tokens
                .iter()
                .map(|token| requests::tool_call("/mcp/demo", "get_user_profile", token))
                .collect();
            self.server.run(Stock::deal(calls, CONNECTIONS), PATIENCE).await.1
        };
        beside(Row::new(name, "echo + ES256 verify"), limit, ours).await
    }

    async fn client_credentials(&self, name: &'static str) -> Row {
        let limit = async || together(self.echo().await, limits::signatures());
        let request = Fixed::new(self.client_credentials_request(), 200);
        let ours = async || self.throughput(&request).await;
        beside(Row::new(name, "echo + ES256 sign").with_goal(Some(0.6)), limit, ours).await
    }

    async fn introspection(&self, name: &'static str) -> Row {
        let (access_token, _) = self.tokens().await;
        let request = Fixed::new(self.client.form("/introspect", &[("token", &access_token)]), 200);
        let ours = async || self.throughput(&request).await;
        beside(Row::new(name, "echo"), async || self.echo().await, ours).await
    }

    async fn refresh(&self, name: &'static str) -> Row {
        let mut chains = Vec::new();
        for _ in 0..DURABLE_CONNECTIONS {
            chains.push(Chain::new(&self.client, &self.tokens().await.1));
        }
        let ours = async || {
            let (advanced, rate) = self.server.run(std::mem::take(&mut chains), RUN).await;
            chains = advanced;
            rate
        };
        let limit = async || {
            let inserts = limits::grouped_inserts(self.directory());
            together(together(self.echo().await, limits::signatures()), inserts)
        };
        beside(Row::new(name, "echo + ES256 sign + grouped insert").with_goal(Some(0.3)), limit, ours).await
    }

    async fn authorization_request(&self, name: &'static str) -> Row {
        let clients = vec![Fixed::new(&self.person.authorization, 303); DURABLE_CONNECTIONS];
        let ours = async || self.server.run(clients.clone(), RUN).await.1;
        let limit = async || limits::grouped_inserts(self.directory());
        beside(Row::new(name, "grouped insert"), limit, ours).await
    }

    async fn authorization_code(&self, name: &'static str) -> Row {
        let ours = async || {
            let codes = self.codes(ONCE).await;
            let redemptions = codes.iter().map(|code| self.client.redemption(code)).collect();
            self.server.run(Stock::deal(redemptions, DURABLE_CONNECTIONS), PATIENCE).await.1
        };
        let limit = async || limits::grouped_inserts(self.directory());
        beside(Row::new(name, "grouped insert"), limit, ours).await
    }

    fn directory(&self) -> &Path {
        self.server.directory()
    }

    async fn throughput(&self, client: &Fixed) -> Pace {
        self.server.run(vec![client.clone(); CONNECTIONS], RUN).await.1
    }

    async fn echo(&self) -> f64 {
        let request = requests::post("/", "application/json", "", r#"{"id":1,"text":"hello, world"}"#);
        let clients = vec![Fixed::new(request, 200); CONNECTIONS];
        crate::load::run(self.echo.address(), clients, RUN).await.1
    }

    fn client_credentials_request(&self) -> Vec<u8> {
        self.client.form("/token", &[("grant_type", "client_credentials"), ("scope", "read")])
    }

    /// Access tokens that no guard has seen.
    async fn access_tokens(&self) -> Vec<String> {
        let each = ONCE / u32::try_from(CONNECTIONS).expect("there are few connections");
        let client = Fixed::new(self.client_credentials_request(), 200).times(each);
        let (clients, _) = self.server.run(vec![client; CONNECTIONS], PATIENCE).await;
        let answers = clients.into_iter().flat_map(|client| client.answers);
        answers.map(|(_, body)| requests::member(&body, "access_token").to_owned()).collect()
    }

    async fn codes(&self, count: u32) -> Vec<String> {
        let connections = DURABLE_CONNECTIONS.min(usize::try_from(count).unwrap_or(DURABLE_CONNECTIONS));
        let each = count / u32::try_from(connections).expect("there are few connections");
        let client = Fixed::new(&self.person.authorization, 303).times(each);
        let (clients, _) = self.server.run(vec![client; connections], PATIENCE).await;
        let answers = clients.into_iter().flat_map(|client| client.answers);
        answers.map(|(head, _)| person::code(&head).to_owned()).collect()
    }

    /// An access token and a refresh token of a new grant.
    async fn tokens(&self) -> (String, String) {
        let codes = self.codes(1).await;
        let (_, body) = person::send(&self.server, self.client.redemption(&codes[0]), 200).await;
        let member = |name| requests::member(&body, name).to_owned();
        (member("access_token"), member("refresh_token"))
    }
}

/// Two things one after the other, in times per second.
fn together(one: f64, other: f64) -> f64 {
    1.0 / (1.0 / one + 1.0 / other)
}

/// Fills a row with the medians over pairs of runs.
pub(crate) async fn beside(
    row: Row,
    mut limit: impl AsyncFnMut() -> f64,
    mut ours: impl AsyncFnMut() -> Pace,
) -> Row {
    let (mut limits, mut paces, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    ours().await;
    for _ in 0..RUNS {
        let (limit, pace) = (limit().await, ours().await);
        limits.push(limit);
        paces.push(pace);
        ratios.push(pace.per_second / limit);
    }
    let median_of = |part: fn(&Pace) -> f64| median(paces.iter().map(part).collect());
    let pace = Pace {
        per_second: median_of(|pace| pace.per_second),
        microseconds: median_of(|pace| pace.microseconds),
    };
    row.filled(pace, median(limits), median(ratios))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
