//! A server elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use authorization_server::{Resource, ScopeDescription};
use gateway::{RemoteServer, RemoteServerSettings, RemoteSettings, StdioServer, StdioSettings, Way};
use guard::Guard;
use http::Uri;
use oauth::{Issuer, ResourceIndicator};
use outbound::Egress;

use super::{
    Guarded, Guards, Parts,
    kept::{KeptServer, WithGuards},
    resource_of,
};
use crate::config::{
    network,
    server::{AllowPrivate, Process, Reached, Remote, Server},
};

/// One configured server and its resource.
pub(super) struct RemoteResource {
    name: String,
    guarded: Guarded,
    guard: Guard,
    remote: Remote,
    server: RemoteServer,
    process: Option<Arc<StdioServer>>,
}

impl RemoteResource {
    pub(super) fn of(server: &Server, remote: Remote, guards: &Guards<'_>) -> anyhow::Result<Self> {
        let parts = guards.parts;
        let announced = server.announced_path().map(|path| ResourceIndicator::parse(&parts.issuer.url(path)));
        let announced = announced.transpose()?;
        let guarded = Guarded {
            resource: resource_of(server, &parts.issuer)?,
            accepted_audiences: announced.iter().cloned().collect(),
            announced,
            tenant: guards.tenant(server),
            is_primary: true,
            name: server.title.clone().unwrap_or_else(|| server.name.clone()),
            scope: remote.tools.default.clone(),
        };
        let guard = guards.guard(&guarded);
        let name = server.name.clone();
        let (server, process) = match guards.kept.remote(&name, &remote) {
            Some(kept) => (kept.server.clone(), kept.process.clone()),
            None => connected(&name, &remote, parts),
        };
        Ok(Self { name, guarded, guard, remote, server, process })
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// As the authorization server knows it, under each of its names; whether it is the default is not its to say.
    pub(super) fn described(&self) -> impl Iterator<Item = Resource> {
        let resource = |indicator: &ResourceIndicator, is_alias| Resource {
            indicator: indicator.clone(),
            name: self.guarded.name.clone(),
            scopes: self.scopes(),
            is_default: false,
            is_alias,
        };
        let announced = self.guarded.announced.iter().map(move |announced| resource(announced, true));
        [resource(&self.guarded.resource, false)].into_iter().chain(announced)
    }

    pub(super) fn settings(&self) -> RemoteSettings {
        RemoteSettings {
            guard: self.guard.clone(),
            server: self.server.clone(),
            tools: self.remote.tools.clone(),
        }
    }

    /// What the next configuration may keep of it.
    pub(super) fn kept(self) -> WithGuards<KeptServer> {
        let Self { name, guarded, guard, remote, server, process } = self;
        (KeptServer { name, reached: remote, server, process }, vec![(guarded, guard)])
    }

    /// Every scope that is configured, told by the tools that need it.
    fn scopes(&self) -> Vec<ScopeDescription> {
        let tools = &self.remote.tools;
        let named =
            tools.named.iter().flat_map(|(tool, scope)| scope.tokens().map(move |token| (token, tool)));
        let mut by_scope: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (token, tool) in named {
            by_scope.entry(token).or_default().push(tool);
        }
        let default = tools.default.tokens().map(|token| described(token, self.of_default(&by_scope)));
        let others = by_scope.iter().filter(|(token, _)| !tools.default.contains(token));
        default.chain(others.map(|(token, tools)| described(token, of_tools(tools)))).collect()
    }

    fn of_default(&self, by_scope: &BTreeMap<&str, Vec<&str>>) -> [String; 2] {
        if by_scope.is_empty() {
            return [
                format!("Use {} and its tools", self.guarded.name),
                format!("使用 {} 及其工具", self.guarded.name),
            ];
        }
        [
            format!("Use {} and those of its tools that need nothing more", self.guarded.name),
            format!("使用 {} 及其无需其他权限的工具", self.guarded.name),
        ]
    }
}

fn of_tools(tools: &[&str]) -> [String; 2] {
    [format!("Use the tools {}", tools.join(", ")), format!("使用工具 {}", tools.join("、"))]
}

/// What a server's tools do is not known here, so each is taken to change something.
fn described(token: &str, [english, chinese]: [String; 2]) -> ScopeDescription {
    let sentences = BTreeMap::from([("en".to_owned(), english), ("zh-Hans".to_owned(), chinese)]);
    ScopeDescription { token: token.to_owned(), sentences, changes: true }
}

/// A server that nobody has needed yet, and its process if it is one.
fn connected(name: &str, remote: &Remote, parts: &Parts) -> (RemoteServer, Option<Arc<StdioServer>>) {
    let (way, process) = match &remote.reached {
        Reached::Http { url, allow_private, transport } => {
            let egress = egress(url, allow_private, &parts.issuer);
            (Way::Http { url: url.clone(), egress, transport: *transport }, None)
        }
        Reached::Process(process) => {
            let settings = process_settings(name, process, remote);
            let process = Arc::new(StdioServer::new(settings, Arc::clone(&parts.random)));
            (Way::Process(Arc::clone(&process)), Some(process))
        }
    };
    let settings = RemoteServerSettings {
        name: name.to_owned(),
        way,
        answer_time: remote.answer_time,
        idle_time: RemoteServerSettings::IDLE_TIME,
        allowed: remote.allow.requests(),
    };
    (RemoteServer::new(&settings, &parts.session_key()), process)
}

fn process_settings(name: &str, process: &Process, remote: &Remote) -> StdioSettings {
    #[expect(
        clippy::disallowed_methods,
        reason = "programs are looked for where whoever starts us would find them"
    )]
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    StdioSettings {
        name: name.to_owned(),
        command: process.command.clone(),
        environment: Arc::clone(&process.environment.0),
        path,
        directory: process.directory.clone(),
        sharing: process.sharing,
        start: StdioSettings::START,
        call: remote.answer_time,
        grace: StdioSettings::GRACE,
    }
}

/// Public addresses, the private ones that are allowed, and this computer for servers on it, while we are on it alone.
fn egress(url: &Uri, allow_private: &AllowPrivate, issuer: &Issuer) -> Egress {
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let public = Egress::public();
    let own =
        if network::is_on_this_computer(issuer.as_str()) && network::is_on_this_computer(&url.to_string()) {
            public.with_loopback()
        } else {
            public
        };
    match allow_private {
        AllowPrivate::All(false) => own,
        AllowPrivate::All(true) => own.with_host(host),
        AllowPrivate::Hosts(hosts) => hosts.iter().fold(own, |egress, host| egress.with_host(host)),
    }
}
