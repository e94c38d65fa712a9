//! `vestibule conformance-client`: the client of `@modelcontextprotocol/conformance`, by the code of `login`, `tools`
//! and `call`. Only what surrounds that code is the suite's: its environment, and a "browser" that follows the
//! authorization endpoint's redirect by itself.

use std::{env, path::PathBuf, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use client::{AuthorizationUrl, Browser, CannotOpen, Login, Notice, Session};
use http::{Request, header};
use outbound::{Egress, Limits};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::mcp_server::{Connection, LoginOptions, Server, stopped};

/// The client ID metadata document that the suite knows.
const METADATA_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// The arguments of `vestibule conformance-client`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
}

/// What the suite tells a client beforehand (`MCP_CONFORMANCE_CONTEXT`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    client_id: Option<String>,
    client_secret: Option<String>,
    issuer: Option<String>,
    #[serde(rename = "toolCalls")]
    tool_calls: Vec<ToolCall>,
}

/// A call that a scenario wants to see.
#[derive(Debug, Deserialize)]
struct ToolCall {
    name: String,
    arguments: Map<String, Value>,
}

/// Lists the tools and makes the calls that the scenario names, else calls the first tool, which is what every
/// authorization scenario looks at.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (scenario, context) = environment()?;
    let directory = TemporaryDirectory::create()?;
    let server = Server { token_dir: Some(directory.0.clone()), ..arguments.server };
    let connection = Connection::open(&server, settings(&context)?).await?;
    let browser = Redirected(outbound::Client::new(Egress::public().with_loopback()));
    let login = match scenario.as_str() {
        "auth/client-credentials-basic" => Login::ClientCredentials,
        _ => Login::Person(&browser),
    };
    let mut session =
        Session::new(&connection.client, connection.server.clone(), Connection::implementation(), login);
    let tools = session.list_tools().await.map_err(|error| stopped(&error, &server))?;
    let first = tools.first().map(|tool| ToolCall { name: tool.name.clone(), arguments: Map::new() });
    let calls = if context.tool_calls.is_empty() { first.into_iter().collect() } else { context.tool_calls };
    for call in calls {
        session.call_tool(&call.name, call.arguments).await.map_err(|error| stopped(&error, &server))?;
    }
    session.close().await;
    Ok(())
}

/// The scenario's name and context.
fn environment() -> anyhow::Result<(String, Context)> {
    #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
    let (scenario, context) =
        (env::var("MCP_CONFORMANCE_SCENARIO").unwrap_or_default(), env::var("MCP_CONFORMANCE_CONTEXT"));
    let context = match context {
        Ok(json) => serde_json::from_str(&json).context("MCP_CONFORMANCE_CONTEXT is no JSON object")?,
        Err(_) => Context::default(),
    };
    Ok((scenario, context))
}

fn settings(context: &Context) -> anyhow::Result<client::Settings> {
    let options =
        LoginOptions { client_metadata_url: Some(METADATA_DOCUMENT.to_owned()), ..LoginOptions::default() };
    let pre_registered = context.client_id.clone().map(|client_id| client::PreRegistered {
        client_id,
        client_secret: context.client_secret.as_deref().map(secret::Secret::from),
        issuer: context.issuer.clone(),
    });
    Ok(client::Settings { pre_registered, ..options.settings()? })
}

/// Asks the authorization endpoint, and carries its redirect to the callback as a browser would.
struct Redirected(outbound::Client);

impl Browser for Redirected {
    fn open(&self, url: &AuthorizationUrl) -> Result<(), CannotOpen> {
        let (http, url) = (self.0.clone(), url.to_string());
        tokio::spawn(async move {
            if let Err(error) = follow(&http, &url).await {
                eprintln!("the authorization endpoint could not be followed: {error:#}");
            }
        });
        Ok(())
    }

    fn tell(&self, notice: &Notice<'_>) {
        eprintln!("{notice:?}");
    }
}

async fn follow(http: &outbound::Client, url: &str) -> anyhow::Result<()> {
    let limits = Limits { total: Duration::from_secs(10), ..Limits::DOCUMENT };
    let answer = http.send(Request::get(url).body(Bytes::new())?, limits).await?;
    let location = answer.headers().get(header::LOCATION).context("it does not redirect")?.to_str()?;
    http.send(Request::get(location).body(Bytes::new())?, limits).await?;
    Ok(())
}

/// Every run starts without tokens, and leaves none behind.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn create() -> anyhow::Result<Self> {
        let path = env::temp_dir().join(format!("vestibule-conformance-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}
