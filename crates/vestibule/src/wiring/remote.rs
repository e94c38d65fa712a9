//! A server elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use authorization_server::{Resource, ScopeDescription};
use gateway::{MemberServer, RemoteSettings, ServerCredentials};
use guard::Guard;
use oauth::Scope;

use super::{
    Guarded, Guards,
    connected::{Connected, connected},
    kept::{KeptServer, WithGuards},
    vault,
    virtual_server::Joinable,
};
use crate::{
    config::server::{Remote, Server},
    metrics::Observed,
};

/// One configured server and its resource.
pub(super) struct RemoteResource {
    name: String,
    guarded: Guarded,
    guard: Guard,
    remote: Remote,
    connected: Connected,
    credentials: Option<Arc<ServerCredentials>>,
}

impl RemoteResource {
    pub(super) fn of(server: &Server, remote: Remote, guards: &Guards<'_>) -> anyhow::Result<Self> {
        let parts = guards.parts;
        let guarded = Guarded::of(server, guards, remote.tools.default.clone())?;
        let guard = guards.guard(&guarded);
        let name = server.name.clone();
        let connected = match guards.kept.remote(&name, &remote) {
            Some(kept) => kept.connected.clone(),
            None => connected(&name, &remote, parts)?,
        };
        let credentials = vault::credentials(server, guards.vault, guards.teams)?.map(Arc::new);
        Ok(Self { name, guarded, guard, remote, connected, credentials })
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// See [`Guarded::described`].
    pub(super) fn described(&self) -> Vec<Resource> {
        self.guarded.described(&self.scopes())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn joinable(&self) -> Joinable {
        Joinable {
            behind: MemberServer::Remote(
                self.connected.server.clone(),
                self.remote.tools.clone(),
                self.credentials.clone(),
            ),
            scope: self.remote.tools.default.clone(),
            scopes: self.scopes(),
        }
    }

    pub(super) fn observed(&self) -> Observed {
        let Connected { server, process } = &self.connected;
        Observed {
            name: self.name.clone(),
            tools: self.remote.tools.named.keys().cloned().collect(),
            server: Some(server.clone()),
            process: process.as_ref().map(Arc::downgrade),
        }
    }

    pub(super) fn settings(&self) -> RemoteSettings {
        RemoteSettings {
            guard: self.guard.clone(),
            server: self.connected.server.clone(),
            tools: self.remote.tools.clone(),
            credentials: self.credentials.clone(),
        }
    }

    /// What the next configuration may keep of it.
    pub(super) fn kept(self) -> WithGuards<KeptServer> {
        let Self { name, guarded, guard, remote, connected, credentials: _ } = self;
        (KeptServer { name, reached: remote, connected }, vec![(guarded, guard)])
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
        let others = others.map(|(token, tools)| described(token, of_tools(tools)));
        let is_told = |token: &str| tools.default.contains(token) || by_scope.contains_key(token);
        let implying = tools.implied.iter().filter(|(token, _)| !is_told(token));
        default
            .chain(others)
            .chain(implying.map(|(token, scope)| described(token, of_scopes(scope))))
            .collect()
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

fn of_scopes(implied: &Scope) -> [String; 2] {
    [format!("Do whatever {implied} allows"), format!("执行 {implied} 所允许的一切操作")]
}

/// What a server's tools do is not known here, so each is taken to change something.
fn described(token: &str, [english, chinese]: [String; 2]) -> ScopeDescription {
    let sentences = BTreeMap::from([("en".to_owned(), english), ("zh-Hans".to_owned(), chinese)]);
    ScopeDescription { token: token.to_owned(), sentences, changes: true }
}
