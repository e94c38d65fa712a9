//! Puts the roles together: the authorization server, the guards and the gateway become one router.
//!
//! The gateway and the guards meet the authorization server only as an issuer, a key set and a list of revocations.

mod demo;
mod remote;

use std::sync::Arc;

use anyhow::Context as _;
use audit::{Auditor, Unrecorded};
use authorization_server::{AuthorizationServer, Resource};
use axum::Router;
use gateway::{DemoSettings, RemoteSettings, StdioServer};
use guard::{Guard, Keys, RevokedTokens};
use oauth::{Clock, Issuer, ResourceIndicator, Scope};
use secret::{Keyring, Random, Secret};
use store::{Store, StoreError};
use tokio::task::JoinSet;

use self::{
    demo::{DemoGuards, DemoResources},
    remote::RemoteResource,
};
use crate::{
    audit::{Node, Sign, Writer},
    config::{
        Configuration,
        server::{Behind, Server},
    },
    health,
    revocations::{self, Revocations},
};

/// What the roles are made of.
pub(crate) struct Parts {
    /// The open database, migrated.
    pub(crate) store: Store,
    /// The keyring that belongs to it.
    pub(crate) keyring: Keyring,
    /// The beginning of every URL.
    pub(crate) issuer: Issuer,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub(crate) random: Arc<dyn Random>,
    /// Keeps what happened.
    pub(crate) auditor: Arc<dyn Auditor>,
}

impl Parts {
    /// What writes the audit log of `node`, with checkpoints signed by `sign`.
    pub(crate) async fn audit_writer(&self, node: Node, sign: Sign) -> Result<Writer, StoreError> {
        Writer::open(self.store.clone(), Arc::clone(&self.clock), Arc::clone(&self.random), node, sign).await
    }
}

/// The roles, put together.
pub(crate) struct Wired {
    /// Everything that answers on the main listener.
    pub(crate) router: Router,
    /// What keeps its guards informed.
    pub(crate) revocations: Revocations,
    /// Signs the checkpoints of the audit log.
    pub(crate) sign: Sign,
    /// The servers that are processes.
    pub(crate) processes: Vec<Arc<StdioServer>>,
}

/// Ends the processes of all servers at the same time; they have a moment to leave.
pub(crate) async fn end(processes: Vec<Arc<StdioServer>>) {
    let ends: JoinSet<()> =
        processes.into_iter().map(|server| async move { server.shut_down().await }).collect();
    ends.join_all().await;
}

/// Puts the roles together.
pub(crate) async fn wire(parts: &Parts, configuration: &Configuration) -> anyhow::Result<Wired> {
    let servers = Servers::of(&configuration.servers, parts)?;
    let revoked = RevokedTokens::default();
    let authorization_server =
        authorization_server(parts, configuration, servers.described(), revoked.clone()).await?;
    let keys = Keys::default();
    keys.replace(&authorization_server.jwk_set());

    let guards = Guards { parts, keys: &keys, revoked: &revoked };
    let demo = servers.demo.as_ref().map(|demo| demo.guards(&guards));
    let remote: Vec<_> = servers.remote.iter().map(|remote| remote.settings(&guards)).collect();
    let guarded = demo.iter().flat_map(DemoGuards::all).chain(remote.iter().map(|remote| &remote.guard));
    let router = authorization_server
        .router()
        .merge(health::router(parts.store.clone()))
        .merge(guard::metadata_router(guarded));
    let demo = demo.map(|guards| guards.settings(&parts.store));
    let router = router.merge(gateway(parts, configuration, demo, remote)?);
    let revocations = Revocations::new(parts.store.clone(), revoked, Arc::clone(&parts.clock));
    let sign = Box::new(move |checkpoint: &_| authorization_server.sign_checkpoint(checkpoint));
    let processes = servers.remote.iter().filter_map(RemoteResource::process).collect();
    Ok(Wired { router, revocations, sign, processes })
}

async fn authorization_server(
    parts: &Parts,
    configuration: &Configuration,
    resources: Vec<Resource>,
    revoked: RevokedTokens,
) -> anyhow::Result<AuthorizationServer> {
    let settings = authorization_server::Settings {
        issuer: parts.issuer.clone(),
        resources,
        lifetimes: configuration.lifetimes.clone(),
        registration: configuration.registration.clone(),
        limits: configuration.limits.clone(),
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        on_revocation: Arc::new(move |record| revocations::apply(&revoked, record)),
        auditor: Arc::clone(&parts.auditor),
    };
    AuthorizationServer::open(settings, parts.store.clone(), &parts.keyring)
        .await
        .context("the authorization server cannot start")
}

fn gateway(
    parts: &Parts,
    configuration: &Configuration,
    demo: Option<DemoSettings>,
    remote: Vec<RemoteSettings>,
) -> anyhow::Result<Router> {
    let auditor: Arc<dyn Auditor> =
        if configuration.audit.tool_calls { Arc::clone(&parts.auditor) } else { Arc::new(Unrecorded) };
    Ok(gateway::router(&gateway::Settings {
        public_url: parts.issuer.as_str().parse().context("the public URL cannot be used as a URI")?,
        allowed_hosts: configuration.gateway.allowed_hosts.clone(),
        allowed_origins: configuration.gateway.allowed_origins.clone(),
        session_key: Secret::new(*parts.keyring.derive("gateway session").expose()),
        body_size: gateway::Settings::BODY_SIZE,
        body_time: gateway::Settings::BODY_TIME,
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        auditor,
        demo,
        remote,
    }))
}

/// The configured servers with the resources that they are.
struct Servers {
    demo: Option<DemoResources>,
    remote: Vec<RemoteResource>,
    /// The server whose resource a request means that names none.
    default: Option<ResourceIndicator>,
}

impl Servers {
    fn of(configured: &[Server], parts: &Parts) -> anyhow::Result<Self> {
        let issuer = &parts.issuer;
        let default = configured.iter().find(|server| server.default).or(configured.first());
        let default = default.map(|server| resource_of(server, issuer)).transpose()?;
        let mut servers = Self { demo: None, remote: Vec::new(), default };
        for server in configured {
            match server.behind()? {
                Behind::Demo => servers.demo = Some(DemoResources::of(server, issuer)?),
                Behind::Remote(remote) => {
                    servers.remote.push(RemoteResource::of(server, remote, parts)?);
                }
            }
        }
        Ok(servers)
    }

    /// As the authorization server knows them.
    fn described(&self) -> Vec<Resource> {
        let demo = self.demo.iter().flat_map(DemoResources::described);
        let mut resources: Vec<_> = demo.chain(self.remote.iter().map(RemoteResource::described)).collect();
        for resource in &mut resources {
            resource.is_default = self.default.as_ref() == Some(&resource.indicator);
        }
        resources
    }
}

/// What all guards have in common.
struct Guards<'a> {
    parts: &'a Parts,
    keys: &'a Keys,
    revoked: &'a RevokedTokens,
}

/// What differs from guard to guard; see [`guard::Settings`].
struct Guarded {
    resource: ResourceIndicator,
    accepted_audiences: Vec<ResourceIndicator>,
    is_primary: bool,
    name: String,
    scope: Scope,
}

impl Guards<'_> {
    fn guard(&self, guarded: Guarded) -> Guard {
        Guard::new(guard::Settings {
            issuer: self.parts.issuer.clone(),
            resource: guarded.resource,
            accepted_audiences: guarded.accepted_audiences,
            is_primary: guarded.is_primary,
            name: Some(guarded.name),
            scope: guarded.scope,
            keys: self.keys.clone(),
            revoked: self.revoked.clone(),
            clock: Arc::clone(&self.parts.clock),
        })
    }
}

fn resource_of(server: &Server, issuer: &Issuer) -> anyhow::Result<ResourceIndicator> {
    Ok(ResourceIndicator::parse(&issuer.url(&format!("/mcp/{}", server.name)))?)
}
