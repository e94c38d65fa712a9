//! A server elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use authorization_server::{Resource, ScopeDescription};
use gateway::{RemoteSettings, StdioServer, StdioSettings, Way};
use http::Uri;
use oauth::{Issuer, ResourceIndicator};
use outbound::Egress;

use super::{Guarded, Guards, Parts, resource_of};
use crate::config::{
    network,
    server::{AllowPrivate, Process, Reached, Remote, Server},
};

/// One configured server and its resource.
pub(super) struct RemoteResource {
    name: String,
    title: String,
    resource: ResourceIndicator,
    way: Way,
    remote: Remote,
}

impl RemoteResource {
    pub(super) fn of(server: &Server, remote: Remote, parts: &Parts) -> anyhow::Result<Self> {
        Ok(Self {
            name: server.name.clone(),
            title: server.title.clone().unwrap_or_else(|| server.name.clone()),
            resource: resource_of(server, &parts.issuer)?,
            way: way(&server.name, &remote, parts),
            remote,
        })
    }

    /// Its process, if it is one.
    pub(super) fn process(&self) -> Option<Arc<StdioServer>> {
        match &self.way {
            Way::Process(server) => Some(Arc::clone(server)),
            Way::Http { .. } => None,
        }
    }

    /// As the authorization server knows it; whether it is the default is not its to say.
    pub(super) fn described(&self) -> Resource {
        Resource {
            indicator: self.resource.clone(),
            name: self.title.clone(),
            scopes: self.scopes(),
            is_default: false,
            is_alias: false,
        }
    }

    pub(super) fn settings(&self, guards: &Guards<'_>) -> RemoteSettings {
        RemoteSettings {
            name: self.name.clone(),
            guard: guards.guard(Guarded {
                resource: self.resource.clone(),
                accepted_audiences: Vec::new(),
                is_primary: true,
                name: self.title.clone(),
                scope: self.remote.tools.default.clone(),
            }),
            way: self.way.clone(),
            tools: self.remote.tools.clone(),
            answer_time: self.remote.answer_time,
            idle_time: RemoteSettings::IDLE_TIME,
        }
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
            return [format!("Use {} and its tools", self.title), format!("使用 {} 及其工具", self.title)];
        }
        [
            format!("Use {} and those of its tools that need nothing more", self.title),
            format!("使用 {} 及其无需其他权限的工具", self.title),
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

fn way(name: &str, remote: &Remote, parts: &Parts) -> Way {
    match &remote.reached {
        Reached::Http { url, allow_private } => {
            Way::Http { url: url.clone(), egress: egress(url, allow_private, &parts.issuer) }
        }
        Reached::Process(process) => {
            let settings = process_settings(name, process, remote);
            Way::Process(Arc::new(StdioServer::new(settings, Arc::clone(&parts.random))))
        }
    }
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
