//! The MCP servers behind the gateway.

mod allow;
mod credentials;
mod joins;
mod openapi;
mod place;
mod process;
mod remote;
mod secrets;
mod transport;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

pub(crate) use self::{
    allow::Allow,
    credentials::Elicitation,
    joins::Joins,
    openapi::OpenApi,
    place::Account,
    process::{Environment, Process},
    remote::{AllowPrivate, Reached, Remote},
};
use super::{duration, lock::Mode};
use crate::cli::exit::Stop;

/// `[[server]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// `name`: what it is called here, and its place in the URL, `/mcp/NAME`: lower-case letters, digits and hyphens.
    /// Required.
    pub(crate) name: String,
    /// `kind`: what stands behind it. Required.
    pub(crate) kind: ServerKind,
    /// `default`: whether an authorization request that names no resource means this server. Default: the first
    /// server is meant.
    #[serde(default)]
    pub(crate) default: bool,
    /// `title`: what people call it. Default: its name.
    pub(crate) title: Option<String>,
    /// `issuers`: whose tokens it accepts: the URLs of some `[[issuer]]`, and `"self"` for those of this server. Default:
    /// all.
    pub(super) issuers: Option<BTreeSet<String>>,
    /// `account`: the account whose server it is, which moves it to
    /// `/accounts/ACCOUNT/custom/CUSTOM_NAME/id/SERVER_ID/mcp`. Default: it is nobody's in particular.
    account: Option<String>,
    /// `custom_name`: its name within the account. Default: its name.
    custom_name: Option<String>,
    /// `server_id`: its identifier within the account. Default: its name.
    #[serde(rename = "server_id")]
    id: Option<String>,
    /// `resource`: a parent of its path, such as `"/"`, that clients are told to ask tokens for; tokens for its own URL
    /// are accepted as well. Default: its own URL, which is what the standards ask for.
    resource: Option<String>,
    /// `url`: the endpoint of a remote server, `https://…`, or `http://…` on this computer. Required for `remote`.
    url: Option<String>,
    /// `document`: the OpenAPI document of a REST API, a file; its path is relative to the configuration file. Required for
    /// `openapi`.
    document: Option<PathBuf>,
    /// `base_url`: where the API is: `https://…`, or `http://…` on this computer. What the document says of it is not
    /// believed. Required for `openapi`.
    base_url: Option<String>,
    /// `[server.openapi]`: which of its operations are tools, and how. Default: all that only read.
    openapi: Option<openapi::Choice>,
    /// `transport`: how messages travel to a remote server: `"http"` (Streamable HTTP) or `"sse"` (HTTP with SSE, of
    /// 2024-11-05). Default: it is found out.
    transport: Option<transport::Transport>,
    /// `scope`: what its tools need that `scopes` does not name, and its resources and prompts. Default `"use"`.
    scope: Option<String>,
    /// `scopes`: what its tools need, by name of the tool. Default: none is named.
    #[serde(default)]
    scopes: BTreeMap<String, String>,
    /// `implies`: which scopes a scope stands for beside itself, such as `{ admin = "write", write = "read" }`. Default:
    /// each stands for itself.
    #[serde(default)]
    implies: BTreeMap<String, String>,
    /// `hidden`: tools that nobody sees or calls here. Default: none.
    #[serde(default)]
    hidden: BTreeSet<String>,
    /// `allow_private`: `true` when the URL may lead into a private network, or the host names that may. Default
    /// `false`.
    #[serde(default)]
    allow_private: AllowPrivate,
    /// `allow`: what it may ask of its clients: `"elicitation"`, `"sampling"`, `"roots"`. Default `["elicitation"]`.
    #[serde(default)]
    allow: Allow,
    /// `largest_result`: how large an answer of it may be, in bytes, or an event of a stream. Default `4194304`.
    largest_result: Option<usize>,
    /// `secrets`: the variables of `environment` whose values are taken out of what it sends. Default: those whose names
    /// say that they are secret, such as `API_KEY`. Values of less than 8 bytes are not looked for.
    secrets: Option<BTreeSet<String>>,
    /// `lock`: what happens to tools, prompts and instructions that are not as they were approved: `"off"`, `"warn"` or
    /// `"enforce"`. Default: `"enforce"` for a server that stands in the lock file, `"off"` for others.
    pub(crate) lock: Option<Mode>,
    /// `provider`: the `[[provider]]` whose credential goes with the calls. Default: none goes.
    provider: Option<String>,
    /// `team`: the `[[team]]` whose credential it is. Default: everybody's own.
    team: Option<String>,
    /// `provider_scope`: what every call needs at the provider, beside what that one is always asked for. Default: nothing
    /// more.
    provider_scope: Option<String>,
    /// `provider_scopes`: what a tool needs there beside that, by name of the tool. Default: nothing more.
    #[serde(default)]
    provider_scopes: BTreeMap<String, String>,
    /// `elicitation`: what a client of 2026-07-28 gets that does not say that it shows links: `"text"`, the link in the
    /// text of a failed call, or `"strict"`, the error -32021. Default `"text"`.
    #[serde(default)]
    elicitation: Elicitation,
    /// `members`: the servers that a virtual server joins, by name. Required for `virtual`.
    #[serde(default)]
    members: Vec<String>,
    /// `timeout`: how long a remote server may take to begin an answer, and a process to end one. Default `"60s"`. For
    /// a virtual server, how long a member may take to answer a list. Default `"5s"`.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    timeout: Option<Duration>,
    /// `command`: the program and its arguments; no shell reads them. With `per_user`, `{user}` in an argument or in the
    /// value of a variable is a name for the user that is good for a file. Required for `stdio`.
    #[serde(default)]
    command: Vec<String>,
    /// `environment`: the variables of the process, beside `PATH` and `LANG`; it gets no other. Default: none.
    #[serde(default)]
    environment: Environment,
    /// `directory`: where the process runs. Default: where Vestibule runs.
    directory: Option<PathBuf>,
    /// `per_user`: whether every user has a process of their own. Default `false`: all share one.
    #[serde(default)]
    per_user: bool,
    /// `idle`: when a user's process ends that is not called. Default `"10m"`.
    #[serde(default = "process::idle", deserialize_with = "duration::deserialize")]
    idle: Duration,
    /// `processes`: how many users have a process at the same time. Default `32`.
    #[serde(default = "process::processes")]
    processes: usize,
}

/// What an MCP server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerKind {
    /// The built-in demo server with six tools on a small store of items.
    Demo,
    /// A server that speaks MCP over HTTP elsewhere.
    Remote,
    /// A program on this machine that speaks MCP over its standard streams.
    Stdio,
    /// A REST API, as an OpenAPI document describes it.
    OpenApi,
    /// Several of the others under one path.
    Virtual,
}

/// What stands behind a server, checked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, while servers are put together")]
pub(crate) enum Behind {
    /// The demo server.
    Demo,
    /// A server elsewhere.
    Remote(Remote),
    /// Other servers.
    Virtual(Joins),
}

impl Server {
    /// The server of demo mode.
    pub(super) fn demo() -> Self {
        Self {
            name: "demo".into(),
            kind: ServerKind::Demo,
            default: false,
            title: None,
            issuers: None,
            account: None,
            custom_name: None,
            id: None,
            resource: None,
            url: None,
            document: None,
            base_url: None,
            openapi: None,
            transport: None,
            scope: None,
            scopes: BTreeMap::new(),
            implies: BTreeMap::new(),
            hidden: BTreeSet::new(),
            allow_private: AllowPrivate::default(),
            allow: Allow::default(),
            largest_result: None,
            secrets: None,
            lock: None,
            provider: None,
            team: None,
            provider_scope: None,
            provider_scopes: BTreeMap::new(),
            elicitation: Elicitation::default(),
            members: Vec::new(),
            timeout: None,
            command: Vec::new(),
            environment: Environment::default(),
            directory: None,
            per_user: false,
            idle: process::idle(),
            processes: process::processes(),
        }
    }

    /// A server that is nowhere configured, at `url`.
    pub(crate) fn at(url: &str) -> Self {
        Self { name: "test".into(), kind: ServerKind::Remote, url: Some(url.to_owned()), ..Self::demo() }
    }

    /// What stands behind it.
    pub(crate) fn behind(&self) -> Result<Behind, Stop> {
        match self.kind {
            ServerKind::Demo => {
                let (name, issuers) = (self.name.clone(), self.issuers.clone());
                let demo = Self { name, default: self.default, issuers, ..Self::demo() };
                if *self == demo {
                    return Ok(Behind::Demo);
                }
                Err(self
                    .mistake("is the demo server, which has nothing to set but name, default and issuers"))
            }
            ServerKind::Remote if self.has_process() => {
                Err(self.mistake("is a remote server, and a process has no place there"))
            }
            ServerKind::Remote => {
                let reached = Reached::Http {
                    url: self.endpoint()?,
                    allow_private: self.allow_private.clone(),
                    transport: transport::of(self.transport),
                };
                self.reached(reached)
            }
            ServerKind::OpenApi => self.reached(Reached::OpenApi(Box::new(self.api()?))),
            ServerKind::Stdio => self.reached(Reached::Process(self.process()?)),
            ServerKind::Virtual => Ok(Behind::Virtual(self.joins()?)),
        }
    }

    pub(super) fn mistake(&self, what: &str) -> Stop {
        Stop::usage(format!("the server {:?} {what}", self.name)).about_server(&self.name)
    }
}

/// Refuses servers that cannot stand beside each other.
pub(super) fn check(servers: &[Server], accounts: &[Account]) -> Result<(), Stop> {
    if servers.iter().filter(|server| server.kind == ServerKind::Demo).count() > 1 {
        return Err(Stop::usage("there is more than one [[server]] of kind \"demo\"")
            .hint("keep one: the demo server has paths of its own beside /mcp/NAME"));
    }
    if servers.iter().filter(|server| server.default).count() > 1 {
        return Err(Stop::usage("more than one [[server]] is the default").hint("keep `default` at one"));
    }
    let mut names = BTreeSet::new();
    for server in servers {
        if !is_name(&server.name) {
            return Err(server
                .mistake("cannot be called so")
                .hint("use lower-case letters, digits and hyphens, at most 64; `v1` is taken"));
        }
        if !names.insert(&server.name) {
            return Err(server.mistake("is there twice").hint("give each [[server]] a name of its own"));
        }
        server.behind()?;
        server.check_openapi()?;
    }
    joins::check(servers)?;
    place::check(servers, accounts)
}

fn is_name(text: &str) -> bool {
    super::is_plain_name(text) && text != "v1"
}

#[cfg(test)]
mod tests;
