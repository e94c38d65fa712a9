//! The built-in demo server.

use std::collections::BTreeMap;

use authorization_server::{Resource, ScopeDescription};
use gateway::DemoSettings;
use guard::Guard;
use oauth::{Issuer, ResourceIndicator, Scope};
use store::Store;

use super::{Guarded, Guards, resource_of};
use crate::config::server::Server;

const NAME: &str = "Vestibule demo";

/// The demo server under its own name and the two that older clients of it use. A token for any of them is good for
/// all: they are one resource.
pub(super) struct DemoResources {
    primary: ResourceIndicator,
    compatible: ResourceIndicator,
    api: ResourceIndicator,
}

/// A guard for each name.
pub(super) struct DemoGuards {
    primary: Guard,
    compatible: Guard,
    api: Guard,
}

impl DemoResources {
    pub(super) fn of(server: &Server, issuer: &Issuer) -> anyhow::Result<Self> {
        let at = |path: &str| ResourceIndicator::parse(&issuer.url(path));
        Ok(Self { primary: resource_of(server, issuer)?, compatible: at("/mcp/v1")?, api: at("/api")? })
    }

    /// As the authorization server knows them; which one is the default is not theirs to say.
    pub(super) fn described(&self) -> Vec<Resource> {
        let resource = |indicator: &ResourceIndicator, is_alias| Resource {
            indicator: indicator.clone(),
            name: NAME.to_owned(),
            scopes: scopes(),
            is_default: false,
            is_alias,
        };
        vec![resource(&self.primary, false), resource(&self.compatible, true), resource(&self.api, true)]
    }

    pub(super) fn guards(&self, guards: &Guards<'_>) -> DemoGuards {
        let names = [&self.primary, &self.compatible, &self.api];
        let scope = self.described().first().map_or_else(Scope::default, Resource::scope);
        let guard = |resource: &ResourceIndicator| {
            guards.guard(Guarded {
                resource: resource.clone(),
                accepted_audiences: names.into_iter().filter(|name| *name != resource).cloned().collect(),
                is_primary: *resource == self.primary,
                name: NAME.to_owned(),
                scope: scope.clone(),
            })
        };
        DemoGuards {
            primary: guard(&self.primary),
            compatible: guard(&self.compatible),
            api: guard(&self.api),
        }
    }
}

impl DemoGuards {
    pub(super) fn all(&self) -> [&Guard; 3] {
        [&self.primary, &self.compatible, &self.api]
    }

    pub(super) fn settings(self, store: &Store) -> DemoSettings {
        DemoSettings { guard: self.primary, compatible_guard: self.compatible, store: store.clone() }
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
