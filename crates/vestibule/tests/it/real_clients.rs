//! Real clients go all the way through, once: discover, register, sign in, consent, get a token, list
//! the tools, call them, refresh, be revoked. A recording proxy sees what they and the server said.

mod bridge;
mod http_sse;

use std::{
    collections::HashMap,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use serde::Deserialize;
use tokio::process::Command;

use crate::{
    browser::{Browser, Visit},
    clients, postgresql,
    recorder::{Exchange, Recorder},
    server::{Server, Settings},
};

const TOOLS: [&str; 6] =
    ["create_data", "delete_data", "get_data", "get_user_profile", "oauth_authenticate", "update_data"];
const MCP_PATH: &str = "/mcp/demo";
const JOURNEY_WITHIN: Duration = Duration::from_mins(3);

#[tokio::test]
async fn python_sdk_1() {
    let world = World::start().await;
    let mut script = Command::new(clients::python_1());
    script.arg(clients::script("python/sdk_1.py"));
    world.run(script, "2025-11-25").await;
    world.judge("Python SDK 1.x").await;
}

#[tokio::test]
async fn python_sdk_2() {
    let world = World::start().await;
    let mut script = Command::new(clients::python_2());
    script.arg(clients::script("python/sdk_2.py"));
    world.run(script, "2026-07-28").await;
    world.judge("Python SDK 2.x").await;
}

#[tokio::test]
async fn typescript_sdk() {
    typescript_sdk_in(&World::start().await).await;
}

#[tokio::test]
async fn typescript_sdk_on_postgresql() {
    let postgresql = postgresql::Server::shared();
    typescript_sdk_in(&World::start_on(Some(postgresql.create_database())).await).await;
}

async fn typescript_sdk_in(world: &World) {
    let mut script = Command::new(clients::node());
    script.arg(clients::script("node/typescript-sdk.mjs"));
    world.run(script, "2026-07-28").await;
    world.judge("TypeScript SDK").await;
}

/// The copy-paste snippet runs as it was printed.
#[tokio::test]
async fn python_snippet_of_the_demo() {
    let world = World::start().await;
    let log = world.server.log_with("asyncio.run(main())\n").await;
    let (_, snippet) = log.split_once("\nPython ").expect("the demo prints a snippet for Python");
    let (_, snippet) = snippet.split_once('\n').expect("the snippet follows its title");
    let (snippet, _) = snippet.split_once("\n\nasyncio.run(main())\n").expect("the snippet ends by running");
    let mut python = Command::new(clients::python_2());
    python.args(["-c", &format!("{snippet}\n\nasyncio.run(main())\n")]);
    let output = world.output(python).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    let names: Vec<_> = printed.lines().map(str::to_owned).collect();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), world.story());
    judge_tools(&names);
}

/// A server behind a recorder, and a person with a browser.
struct World {
    browser: Browser,
    recorder: Recorder,
    server: Server,
}

/// What a client's script says of its journey.
#[derive(Debug, Deserialize)]
struct Report {
    protocol_version: String,
    tools: Vec<String>,
    item: ItemReport,
    refresh: RefreshReport,
    revocation_status: u16,
    /// After the revocation, the client's next call led to a new sign-in.
    shut_out: bool,
}

#[derive(Debug, Deserialize)]
struct ItemReport {
    created: serde_json::Value,
    updated: serde_json::Value,
    deleted: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct RefreshReport {
    access_token_changed: bool,
    refresh_token_changed: bool,
}

impl World {
    async fn start() -> Self {
        Self::start_on(None).await
    }

    /// On a database of its own, instead of the embedded one.
    async fn start_on(database: Option<String>) -> Self {
        let browser = Browser::new();
        let recorder = Recorder::listen().await;
        let server =
            Server::start(&Settings { public_url: Some(recorder.url()), database, ..Settings::default() });
        recorder.forward_to(server.address());
        Self { browser, recorder, server }
    }

    /// Runs a client to its end.
    async fn output(&self, mut client: Command) -> Output {
        let output = client
            .env("BROWSER", self.browser.command())
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(JOURNEY_WITHIN, output).await.expect("the client ends in time");
        output.expect("the client starts")
    }

    /// Runs a client's script to its end and judges its report.
    async fn run(&self, mut script: Command, protocol_version: &str) {
        script.arg(self.server.mcp_url());
        self.run_as_given(script, protocol_version).await;
    }

    /// The same for a script that has been told where to go.
    async fn run_as_given(&self, script: Command, protocol_version: &str) {
        let output = self.output(script).await;
        let report = serde_json::from_slice::<Report>(&output.stdout).unwrap_or_else(|error| {
            panic!("no report ({error}):\n{}\n{}", String::from_utf8_lossy(&output.stderr), self.story())
        });
        assert_eq!(report.protocol_version, protocol_version);
        judge_tools(&report.tools);
        judge_item(&report.item);
        assert!(report.refresh.access_token_changed && report.refresh.refresh_token_changed, "{report:?}");
        assert_eq!(report.revocation_status, 200);
        assert!(report.shut_out, "the client was not shut out after its revocation\n{}", self.story());
    }

    /// What must be seen from outside, whatever the client.
    async fn judge(&self, client_name: &str) {
        let exchanges = self.recorder.exchanges();
        let visit = self.browser.visit().await;
        judge_pages(&visit, client_name);
        self.judge_authorization(&exchanges, &visit);
        self.judge_tokens(&exchanges);
        judge_revocation(&exchanges);
    }

    /// RFC 8707 section 2.1 on the way in, RFC 9207 section 2 on the way out.
    fn judge_authorization(&self, exchanges: &[Exchange], visit: &Visit) {
        let registrations = with(exchanges, &Method::POST, "/register");
        assert_eq!(
            registrations.iter().map(|exchange| exchange.status).collect::<Vec<_>>(),
            [StatusCode::CREATED]
        );
        let authorizations = with(exchanges, &Method::GET, "/authorize");
        let sent = &authorizations.first().expect("the client asks for authorization").query;
        assert_eq!(sent["resource"], self.server.mcp_url());
        assert_eq!(sent["code_challenge_method"], "S256");
        let callback = visit.callback.as_ref().expect("the visit ends at the callback");
        assert!(callback.starts_with(&sent["redirect_uri"]), "{callback}");
        let answered = parameters(callback);
        assert_eq!(answered["iss"], self.server.issuer());
        assert_eq!(answered["state"], sent["state"]);
    }

    /// The code is exchanged once, then the refresh token, each for this resource.
    fn judge_tokens(&self, exchanges: &[Exchange]) {
        let accepted = with(exchanges, &Method::POST, "/token");
        let accepted: Vec<_> =
            accepted.into_iter().filter(|exchange| exchange.status == StatusCode::OK).collect();
        let grants: Vec<_> = accepted.iter().map(|exchange| exchange.form()["grant_type"].clone()).collect();
        assert_eq!(grants, ["authorization_code", "refresh_token"], "{}", self.story());
        for exchange in accepted {
            assert_eq!(exchange.form()["resource"], self.server.mcp_url());
            assert_eq!(exchange.response_headers["cache-control"], "no-store");
        }
    }

    /// Everything that went over the wire, one line per exchange, and the server's log.
    fn story(&self) -> String {
        let line =
            |exchange: &Exchange| format!("{} {} -> {}\n", exchange.method, exchange.path, exchange.status);
        let exchanges: Vec<_> = self.recorder.exchanges().iter().map(line).collect();
        format!("{}{:#?}\n{}", exchanges.concat(), self.browser.visits(), self.server.log())
    }

    /// Waits until the MCP endpoint has refused a token after a revocation.
    async fn shut_out_within(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while refusals_after_revocation(&self.recorder.exchanges()).is_empty() {
            assert!(Instant::now() < deadline, "no call was refused after the revocation\n{}", self.story());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// One sign-in and one consent, which say who asks and where it leads.
fn judge_pages(visit: &Visit, client_name: &str) {
    assert_eq!(visit.problem, None, "{visit:#?}");
    let [login, consent] = visit.pages.as_slice() else { panic!("not two pages: {visit:#?}") };
    assert_eq!(login.path, "/login", "{login:?}");
    for page in [login, consent] {
        assert!(!page.title.is_empty(), "{page:?}");
        assert!(page.text.contains(client_name), "the page does not say who asks: {page:?}");
    }
    let redirect_uri = parameters(&visit.authorization_url)["redirect_uri"].clone();
    let redirect_host = redirect_uri.split(['/', ':']).nth(3).expect("a redirect URI has a host");
    assert!(consent.text.contains(redirect_host), "no {redirect_host} in {consent:?}");
    assert!(consent.text.to_lowercase().contains("unverified"), "{consent:?}");
}

fn judge_tools(tools: &[String]) {
    let mut names: Vec<_> = tools.iter().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS);
}

fn judge_item(item: &ItemReport) {
    let id = &item.created["id"];
    assert!(!id.is_null(), "{item:?}");
    assert_eq!((&item.updated["id"], &item.updated["name"]), (id, &"changed".into()), "{item:?}");
    assert_eq!(item.updated["value"], 2, "{item:?}");
    assert_eq!((&item.deleted["id"], &item.deleted["deleted"]), (id, &true.into()), "{item:?}");
}

/// RFC 7009 section 2.1: the access tokens of the grant end with its refresh token.
fn judge_revocation(exchanges: &[Exchange]) {
    let refusals = refusals_after_revocation(exchanges);
    let refused = refusals.first().expect("a call after the revocation is refused");
    let served_before = exchanges.iter().any(|exchange| {
        exchange.path == MCP_PATH && exchange.status.is_success() && exchange.bearer() == refused.bearer()
    });
    assert!(served_before, "the refused token was never good");
    let challenge = refused.response_headers["www-authenticate"].to_str().expect("a challenge is text");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
}

fn refusals_after_revocation(exchanges: &[Exchange]) -> Vec<&Exchange> {
    let revoked = exchanges.iter().skip_while(|exchange| !exchange.is(&Method::POST, "/revoke"));
    revoked
        .filter(|exchange| exchange.is(&Method::POST, MCP_PATH) && exchange.bearer().is_some())
        .filter(|exchange| exchange.status == StatusCode::UNAUTHORIZED)
        .collect()
}

fn with<'exchanges>(
    exchanges: &'exchanges [Exchange],
    method: &Method,
    path: &str,
) -> Vec<&'exchanges Exchange> {
    exchanges.iter().filter(|exchange| exchange.is(method, path)).collect()
}

fn parameters(url: &str) -> HashMap<String, String> {
    let url = url::Url::parse(url).expect("the browser visits URLs");
    url.query_pairs().into_owned().collect()
}
