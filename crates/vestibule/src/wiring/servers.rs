//! The set of servers behind the gateway, with the resources that they are.

use authorization_server::Resource;
use guard::Guard;
use oauth::{Issuer, ResourceIndicator};

use super::{
    Guarded, Guards, Kept,
    demo::DemoResources,
    remote::RemoteResource,
    virtual_server::{Joinable, VirtualResource},
};
use crate::{
    config::server::{Behind, Server},
    metrics::Observed,
};

/// The configured servers with the resources that they are.
pub(super) struct Servers {
    pub(super) demo: Option<DemoResources>,
    pub(super) remote: Vec<RemoteResource>,
    pub(super) joint: Vec<VirtualResource>,
    /// The server whose resource a request means that names none.
    default: Option<ResourceIndicator>,
}

impl Servers {
    pub(super) fn of(configured: &[Server], guards: &Guards<'_>) -> anyhow::Result<Self> {
        let issuer = &guards.parts.issuer;
        let default = configured.iter().find(|server| server.default).or(configured.first());
        let default = default.map(|server| resource_of(server, issuer)).transpose()?;
        let mut servers = Self { demo: None, remote: Vec::new(), joint: Vec::new(), default };
        let mut virtual_servers = Vec::new();
        for server in configured {
            match server.behind()? {
                Behind::Demo => servers.demo = Some(DemoResources::of(server, guards)?),
                Behind::Remote(remote) => {
                    servers.remote.push(RemoteResource::of(server, remote, guards)?);
                }
                Behind::Virtual(joins) => virtual_servers.push((server, joins)),
            }
        }
        // Their members may stand behind them in the file.
        for (server, joins) in virtual_servers {
            let joined = VirtualResource::of(server, &joins, &servers, guards)?;
            servers.joint.push(joined);
        }
        Ok(servers)
    }

    /// The server called `name`, as one that can be joined.
    pub(super) fn joinable(&self, name: &str) -> Option<Joinable> {
        let demo = self.demo.iter().find(|demo| demo.name() == name).map(DemoResources::joinable);
        let remote = || self.remote.iter().find(|remote| remote.name() == name).map(RemoteResource::joinable);
        demo.or_else(remote)
    }

    /// What guards them, under all of their names.
    pub(super) fn guards(&self) -> impl Iterator<Item = &Guard> {
        let demo = self.demo.iter().flat_map(DemoResources::guards);
        let remote = self.remote.iter().map(RemoteResource::guard);
        demo.chain(remote).chain(self.joint.iter().map(VirtualResource::guard))
    }

    /// As they are measured.
    pub(super) fn observed(&self) -> Vec<Observed> {
        let demo = self.demo.iter().map(DemoResources::observed);
        let remote = self.remote.iter().map(RemoteResource::observed);
        demo.chain(remote).chain(self.joint.iter().map(VirtualResource::observed)).collect()
    }

    /// As the authorization server knows them.
    pub(super) fn described(&self) -> Vec<Resource> {
        let demo = self.demo.iter().flat_map(DemoResources::described);
        let remote = self.remote.iter().flat_map(RemoteResource::described);
        let virtual_servers = self.joint.iter().flat_map(VirtualResource::described);
        let mut resources: Vec<_> = demo.chain(remote).chain(virtual_servers).collect();
        // Nobody is given a token that is accepted nowhere.
        resources.retain(|resource| {
            let refuses = |guard: &Guard| !guard.trusts_own() && *guard.resource() == resource.indicator;
            !self.guards().any(refuses)
        });
        for resource in &mut resources {
            resource.is_default = self.default.as_ref() == Some(&resource.indicator);
        }
        resources
    }

    /// What the next reload may keep of them, and of the console.
    pub(super) fn kept(self, console: (Guarded, Guard)) -> Kept {
        Kept::new(
            self.demo.map(DemoResources::kept),
            self.remote.into_iter().map(RemoteResource::kept).collect(),
            self.joint.into_iter().map(VirtualResource::kept).collect(),
            console,
        )
    }
}

pub(super) fn resource_of(server: &Server, issuer: &Issuer) -> anyhow::Result<ResourceIndicator> {
    Ok(ResourceIndicator::parse(&issuer.url(&server.path()))?)
}
