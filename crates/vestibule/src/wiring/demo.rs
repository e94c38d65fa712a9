//! The built-in demo server.

use std::collections::BTreeMap;

use authorization_server::{Resource, ScopeDescription};
use gateway::{BuiltInServer, DemoSettings, MemberServer};
use guard::Guard;
use oauth::{ResourceIndicator, Scope};

use super::{Guarded, Guards, kept::WithGuards, resource_of, virtual_server::Joinable};
use crate::{config::server::Server, metrics::Observed};

const NAME: &str = "Vestibule demo";

/// The demo server under its own name and the two that older clients of it use. A token for any of them is good for
/// all: they are one resource.
pub(super) struct DemoResources {
    name: String,
    server: BuiltInServer,
    primary: (Guarded, Guard),
    compatible: (Guarded, Guard),
    api: (Guarded, Guard),
}

impl DemoResources {
    pub(super) fn of(server: &Server, guards: &Guards<'_>) -> anyhow::Result<Self> {
        let parts = guards.parts;
        let at = |path: &str| ResourceIndicator::parse(&parts.issuer.url(path));
        let names = [resource_of(server, &parts.issuer)?, at("/mcp/v1")?, at("/api")?];
        let scope = |scopes: &[ScopeDescription]| {
            scopes.iter().map(|scope| scope.token.as_str()).collect::<Vec<_>>().join(" ")
        };
        let scope = Scope::parse(&scope(&scopes()))?;
        let guarded = |index: usize| {
            let guarded = Guarded {
                resource: names[index].clone(),
                announced: None,
                accepted_audiences: names.iter().filter(|name| **name != names[index]).cloned().collect(),
                trust: guards.issuers.trust(server),
                tenant: None,
                is_primary: index == 0,
                name: NAME.to_owned(),
                scope: scope.clone(),
            };
            let guard = guards.guard(&guarded);
            (guarded, guard)
        };
        let name = server.name.clone();
        let server = guards.kept.demo();
        let server =
            server.unwrap_or_else(|| BuiltInServer::demo(&parts.store, &parts.clock, &parts.session_key()));
        Ok(Self { name, server, primary: guarded(0), compatible: guarded(1), api: guarded(2) })
    }

    /// As the authorization server knows them; which one is the default is not theirs to say.
    pub(super) fn described(&self) -> Vec<Resource> {
        let resource = |(guarded, _): &(Guarded, Guard), is_alias| Resource {
            indicator: guarded.resource.clone(),
            name: NAME.to_owned(),
            scopes: scopes(),
            is_default: false,
            is_alias,
        };
        vec![resource(&self.primary, false), resource(&self.compatible, true), resource(&self.api, true)]
    }

    pub(super) fn guards(&self) -> [&Guard; 3] {
        [&self.primary.1, &self.compatible.1, &self.api.1]
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn joinable(&self) -> Joinable {
        Joinable {
            behind: MemberServer::Demo(self.server.clone()),
            scope: self.primary.0.scope.clone(),
            scopes: scopes(),
        }
    }

    pub(super) fn observed(&self) -> Observed {
        let tools = BuiltInServer::demo_tools().named.into_keys().collect();
        Observed { name: self.name.clone(), tools, server: None, process: None }
    }

    pub(super) fn settings(&self) -> DemoSettings {
        DemoSettings {
            name: self.name.clone(),
            guard: self.primary.1.clone(),
            compatible_guard: self.compatible.1.clone(),
            server: self.server.clone(),
        }
    }

    /// What the next configuration may keep of it.
    pub(super) fn kept(self) -> WithGuards<BuiltInServer> {
        (self.server, vec![self.primary, self.compatible, self.api])
    }
}

fn scopes() -> Vec<ScopeDescription> {
    let scope = |token: &str, changes, english: &str, chinese: &str| ScopeDescription {
        token: token.to_owned(),
        sentences: BTreeMap::from([
            ("en".to_owned(), english.to_owned()),
            ("zh-Hans".to_owned(), chinese.to_owned()),
        ]),
        changes,
    };
    vec![
        scope("read", false, "Read your profile and your data", "读取您的个人资料和数据"),
        scope("write", true, "Create, change and delete your data", "创建、更改和删除您的数据"),
    ]
}
