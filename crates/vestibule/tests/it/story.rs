//! The story that the product is for: people sign in, an agent calls tools that need their account at another system,
//! each connects their own in the browser, and the agent goes on. The provider is a real one (node's `oidc-provider`,
//! which rotates refresh tokens and asks for PKCE), the API behind it is shaped like GitHub's, the agent is the official
//! Python SDK of either line, the browser is Chromium.

mod provider;

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::{Request, header};
use hyper::body::Bytes;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    attacks::world::World,
    browser::Browser,
    clients, http_client,
    recorder::Recorder,
    server::{PASSWORD, Server, Settings},
    vault::rest_api::{Accepts, RestApi},
};
use provider::NodeProvider;

const MCP_PATH: &str = "/mcp/github";
const AGENT_WITHIN: Duration = Duration::from_mins(4);

/// The tools by the names that they have in the document, and with the target before them.
const PLAIN: [&str; 2] = ["get_user_profile", "get_user_repos"];
const OF_TARGET: [&str; 2] = ["GitHub___get_user_profile", "GitHub___get_user_repos"];

#[tokio::test]
async fn everybody_meets_their_own_account_and_no_agent_a_token() {
    let story = Story::begin("naming = \"target\"\ntarget = \"GitHub\"").await;
    let (ada, grace) = (story.person("ada"), story.person("grace"));

    let report = ada.agent(clients::python_2(), "elicits", OF_TARGET).await;
    assert_eq!(report.protocol_version, "2026-07-28");
    assert!(!report.told_by.is_empty() && report.told_by.iter().all(|by| by == "elicitation"), "{report:?}");
    report.judge("ada", OF_TARGET);

    let report = grace.agent(clients::python_1(), "elicits", OF_TARGET).await;
    assert_eq!(report.protocol_version, "2025-11-25");
    assert!(!report.told_by.is_empty() && report.told_by.iter().all(|by| by == "-32042"), "{report:?}");
    report.judge("grace", OF_TARGET);

    let again = ada.agent(clients::python_1(), "elicits", OF_TARGET).await;
    assert_eq!(
        (again.link.as_deref(), &again.told_by[..]),
        (None, &[][..]),
        "another agent need not ask again"
    );
    again.judge("ada", OF_TARGET);

    let connected = story.provider.grants("authorization_code");
    assert_eq!(connected, ["octo-ada", "octo-grace"], "each connected once");
    let refreshed = story.provider.grants("refresh_token");
    for account in ["octo-ada", "octo-grace"] {
        assert!(refreshed.iter().any(|of| of == account), "{account} is not refreshed: {refreshed:?}");
    }
    assert_eq!(story.provider.errors(), [] as [String; 0]);
    story.judge_secrets();
}

#[tokio::test]
async fn up_07_a_link_is_of_no_use_to_anybody_else() {
    let story = Story::begin("").await;
    let (ada, bob) = (story.person("ada"), story.person("bob"));

    let link = ada.agent(clients::python_1(), "stops", PLAIN).await.link.expect("the agent is told a link");
    assert_eq!(story.api.heard().len(), 0, "nothing is asked of the API without an account");
    bob.browser.open_link(&link).await;
    let page = bob.browser.last_page_of(&link).await;
    assert!(page.path.starts_with("/connect") && page.text.contains("another user"), "{page:?}");
    assert_eq!(story.provider.grants("authorization_code"), [] as [String; 0], "nothing was started");

    let report = ada.agent(clients::python_1(), "reads", PLAIN).await;
    assert!(!report.told_by.is_empty() && report.told_by.iter().all(|by| by == "text"), "{report:?}");
    report.judge("ada", PLAIN);
    let page = ada.browser.last_page_of(report.link.as_deref().expect("it was told a link")).await;
    assert!(page.path.starts_with("/connect"), "the browser comes back: {page:?}");
    assert_eq!(story.provider.grants("authorization_code"), ["octo-ada"]);
    story.judge_secrets();
}

/// A gateway behind a recorder, before an API with its provider.
struct Story {
    provider: NodeProvider,
    api: RestApi,
    recorder: Recorder,
    world: World,
    _document: TempDir,
}

/// Somebody with a browser and with an account at the provider, `octo-NAME`.
struct Person<'s> {
    story: &'s Story,
    browser: Browser,
}

/// What an agent says of its day.
#[derive(Debug, Deserialize)]
struct Report {
    protocol_version: String,
    tools: Vec<String>,
    answers: BTreeMap<String, String>,
    /// The link that it was told.
    link: Option<String>,
    /// In which way, each time.
    told_by: Vec<String>,
}

impl Story {
    async fn begin(openapi: &str) -> Self {
        let recorder = Recorder::listen().await;
        let provider = NodeProvider::start(&format!("{}/connect/callback/hub", recorder.url())).await;
        let api = RestApi::start(accepts(&provider)).await;
        let (document, file) = document(&api);
        let configuration = configuration(&provider, &api, &file, openapi);
        let public_url = Some(recorder.url());
        let configuration = Some(configuration);
        let server = Server::start(&Settings { public_url, configuration, ..Settings::default() });
        recorder.forward_to(server.address());
        Self { provider, api, recorder, world: World { server: Arc::new(server) }, _document: document }
    }

    fn person(&self, name: &str) -> Person<'_> {
        self.world.add_user(name, PASSWORD);
        Person { story: self, browser: Browser::of(name, PASSWORD, &format!("octo-{name}")) }
    }

    /// Nothing that the gateway ever said, to agents or to browsers, has a token of the provider in it; and nothing that
    /// the API ever got has a token of ours.
    fn judge_secrets(&self) {
        let (said, tokens) = (self.recorder.said(), self.provider.tokens());
        assert!(!tokens.is_empty());
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("tools/call") || said.contains("octo-ada"), "the recorder has heard nothing");
        for token in &tokens {
            assert!(!said.contains(token.as_str()), "a token of the provider was told");
        }
        for heard in self.api.heard() {
            let presented = heard.headers[header::AUTHORIZATION].to_str().unwrap();
            let token = presented.strip_prefix("Bearer ").unwrap_or_default();
            assert!(tokens.iter().any(|issued| issued == token), "the API got {presented:?}");
        }
    }
}

/// Whose access token it is, the provider says.
fn accepts(provider: &NodeProvider) -> Accepts {
    let address = provider.address();
    Arc::new(move |token| {
        async move {
            let request = Request::get("/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
            let answer = http_client::send(address, request.body(Bytes::new()).unwrap()).await;
            let sub = answer.status.is_success().then(|| answer.json()["sub"].clone());
            sub.and_then(|sub| sub.as_str().map(str::to_owned))
        }
        .boxed()
    })
}

/// The API's document with the names that GitHub's tools are known by.
fn document(api: &RestApi) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("github.json");
    let document = api.document().to_string().replace("\"get_user\"", "\"get_user_profile\"");
    std::fs::write(&file, document).unwrap();
    (directory, file)
}

fn configuration(
    provider: &NodeProvider,
    api: &RestApi,
    document: &std::path::Path,
    openapi: &str,
) -> String {
    let (issuer, api, document) = (provider.issuer(), api.url(), document.display());
    let (client_id, client_secret) = (provider::CLIENT_ID, provider::CLIENT_SECRET);
    format!(
        r#"
[[provider]]
name = "hub"
title = "Hub"
issuer = "{issuer}"
client_id = "{client_id}"
client_secret = "{client_secret}"
scope = "openid profile repo user"
account = "{issuer}/me"
account_name = ["/preferred_username"]

[[server]]
name = "github"
kind = "openapi"
document = "{document}"
base_url = "{api}"
provider = "hub"
provider_scope = "repo"

[server.openapi]
{openapi}
"#
    )
}

impl Person<'_> {
    /// Runs an agent of theirs to its end.
    async fn agent(&self, python: PathBuf, how: &str, tools: [&str; 2]) -> Report {
        let mut agent = Command::new(python);
        agent.arg(clients::script("python/story.py"));
        agent.arg(format!("{}{MCP_PATH}", self.story.recorder.url())).arg(how).args(tools);
        let output = agent
            .env("BROWSER", self.browser.command())
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(AGENT_WITHIN, output).await.expect("the agent ends in time");
        let output = output.expect("the agent starts");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let (said, visits) = (String::from_utf8_lossy(&output.stderr), self.browser.visits());
            panic!("no report ({error}):\n{said}\n{visits:#?}\n{}", self.story.world.server.log())
        })
    }
}

impl Report {
    /// Every answer is of this person's account.
    #[track_caller]
    fn judge(&self, name: &str, tools: [&str; 2]) {
        let mut listed = self.tools.clone();
        listed.sort_unstable();
        assert_eq!(listed, tools);
        let [profile, repositories] = tools.map(|tool| &self.answers[tool]);
        assert!(profile.contains(&format!("\"octo-{name}\"")), "{profile}");
        assert!(repositories.contains(&format!("octo-{name}/")), "{repositories}");
    }
}
