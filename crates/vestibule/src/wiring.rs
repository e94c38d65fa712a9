//! Puts the roles together: the authorization server, the guards and the gateway become one router.
//!
//! The gateway and the guards meet the authorization server only as an issuer, a key set and a list of revocations.
//!
//! What runs is put together once ([`Wiring::open`]). The servers behind the gateway, with their guards and what the
//! authorization server knows of them, are put together again whenever the configuration changes
//! ([`Wiring::reload`]): first everything is made, which can fail and then changes nothing; then it takes the place of
//! what was there.

mod assertions;
mod connected;
mod console;
mod demo;
mod foreign;
mod guards;
mod installation;
mod issuers;
mod kept;
mod remote;
mod servers;
mod vault;
mod virtual_server;

use std::sync::{Arc, Weak};

use ::vault::Vault;
use anyhow::Context as _;
use audit::{Auditor, Unrecorded};
use authorization_server::AuthorizationServer;
use axum::Router;
use gateway::{EventStreams, SignedRequests, StdioServer, quota::Quotas};
use guard::{Guard, Keys, RevokedTokens};
use oauth::{Clock, Issuer};
use secret::{Keyring, Random, Secret};
use store::{Store, StoreError};
use tokio::task::JoinSet;

use self::{
    assertions::OwnAssertions,
    demo::DemoResources,
    guards::{Guarded, Guards},
    issuers::Issuers,
    kept::Kept,
    remote::RemoteResource,
    servers::{Servers, resource_of},
    virtual_server::VirtualResource,
};
pub(crate) use self::{connected::connect, installation::Installation};
use crate::{
    audit::{Node, Sign, Writer},
    config::{Configuration, access_keys::AccessKeys},
    health,
    listener::Routes,
    metrics::Metrics,
    revocations::{self, Revocations},
    traces::Traces,
};

/// What the roles are made of.
pub(crate) struct Parts {
    /// The open database, migrated.
    pub(crate) store: Store,
    /// The keyring that belongs to it.
    pub(crate) keyring: Arc<Keyring>,
    /// The beginning of every URL.
    pub(crate) issuer: Issuer,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub(crate) random: Arc<dyn Random>,
    /// Keeps what happened.
    pub(crate) auditor: Arc<dyn Auditor>,
    /// Measures, if somebody wants to know.
    pub(crate) metrics: Option<Metrics>,
    /// Whether requests leave traces.
    pub(crate) traced: bool,
    /// What this process is called, as long as nobody else is called so.
    pub(crate) node: Option<String>,
}

impl Parts {
    /// What writes the audit log of `node`, with checkpoints signed by `sign`.
    pub(crate) async fn audit_writer(&self, node: Node, sign: Sign) -> Result<Writer, StoreError> {
        Writer::open(self.store.clone(), Arc::clone(&self.clock), Arc::clone(&self.random), node, sign).await
    }

    /// An auditor that is told what `auditor` is told, and counts it if somebody wants to know.
    fn counted(&self, auditor: Arc<dyn Auditor>) -> Arc<dyn Auditor> {
        match &self.metrics {
            Some(metrics) => metrics.counting(auditor),
            None => auditor,
        }
    }

    /// The key of the session ids of MCP; the same on all nodes.
    fn session_key(&self) -> Secret<[u8; 32]> {
        Secret::new(*self.keyring.derive("gateway session").expose())
    }
}

/// The roles, put together.
pub(crate) struct Wiring<'p> {
    parts: &'p Parts,
    authorization_server: AuthorizationServer,
    keys: Keys,
    revoked: RevokedTokens,
    kept: Kept,
    routes: Routes,
    event_streams: EventStreams,
    quotas: Arc<Quotas>,
    issuers: Issuers,
    vault: Vault,
    /// Every process that may still run; those of removed servers too.
    processes: Vec<Weak<StdioServer>>,
}

impl<'p> Wiring<'p> {
    /// Puts the roles together.
    pub(crate) async fn open(parts: &'p Parts, configuration: &Configuration) -> anyhow::Result<Self> {
        let revoked = RevokedTokens::default();
        let authorization_server = authorization_server(parts, configuration, revoked.clone()).await?;
        let keys = Keys::default();
        keys.replace(&authorization_server.jwk_set());
        let assertions = Arc::new(OwnAssertions(authorization_server.clone()));
        let mut wiring = Self {
            parts,
            authorization_server,
            keys,
            revoked,
            kept: Kept::default(),
            routes: Routes::new(Router::new()),
            event_streams: EventStreams::default(),
            quotas: Arc::default(),
            issuers: Issuers::default(),
            vault: vault::open(parts, configuration, Some(assertions))?,
            processes: Vec::new(),
        };
        wiring.reload(configuration)?;
        Ok(wiring)
    }

    /// Everything that answers on the main listener.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The streams that clients of the older transport have open.
    pub(crate) fn event_streams(&self) -> EventStreams {
        self.event_streams.clone()
    }

    /// What keeps people's credentials.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What keeps the guards informed.
    pub(crate) fn revocations(&self) -> Revocations {
        Revocations::new(self.parts.store.clone(), self.revoked.clone(), Arc::clone(&self.parts.clock))
    }

    /// Signs the checkpoints of the audit log.
    pub(crate) fn sign(&self) -> Sign {
        let authorization_server = self.authorization_server.clone();
        Box::new(move |checkpoint: &_| authorization_server.sign_checkpoint(checkpoint))
    }

    /// Takes over what can change while the roles run: servers, limits, who may knock, what is audited. Requests under
    /// way end where they began; servers that stay as they were keep what they have.
    pub(crate) fn reload(&mut self, configuration: &Configuration) -> anyhow::Result<()> {
        let issuers = Issuers::of(&configuration.issuers, &self.issuers, self.parts)?;
        let guards = Guards {
            parts: self.parts,
            keys: &self.keys,
            revoked: &self.revoked,
            kept: &self.kept,
            issuers: &issuers,
            accounts: &configuration.accounts,
            teams: &configuration.teams,
            vault: &self.vault,
        };
        let providers = vault::providers(configuration, &self.parts.issuer)?;
        let teams = vault::teams(&configuration.teams)?;
        let console = console::guard(&guards)?;
        let servers = Servers::of(&configuration.servers, &guards)?;
        let quotas = Arc::new(Quotas::new(&configuration.rates, &self.parts.clock, Some(&self.quotas)));
        let router = self.router(configuration, &servers, &quotas, &console.1)?;
        let mut resources = foreign::beside(servers.described(), &configuration.resources)?;
        resources.push(::console::resource(&self.parts.issuer)?);
        // Nothing fails from here on.
        self.authorization_server.reload(resources, &configuration.limits);
        self.vault.reload(&providers, &teams);
        if let Some(metrics) = &self.parts.metrics {
            metrics.observe(servers.observed());
        }
        self.quotas = quotas;
        self.issuers = issuers;
        self.routes.replace(router);
        let paths: Vec<_> = servers.guards().map(|guard| guard.resource().path()).collect();
        self.event_streams.keep(&paths);
        let former = std::mem::replace(&mut self.kept, servers.kept(console));
        self.processes.retain(|process| process.strong_count() > 0);
        self.processes.extend(self.kept.processes_not_in(&former).map(|(_, process)| process));
        for (name, process) in former.processes_not_in(&self.kept) {
            kept::end_within(name, process, configuration.connections.drain_timeout);
        }
        Ok(())
    }

    /// Ends the processes of all servers at the same time; they have a moment to leave.
    pub(crate) async fn end(&self) {
        let running = self.processes.iter().filter_map(Weak::upgrade);
        let ends: JoinSet<()> = running.map(|server| async move { server.shut_down().await }).collect();
        ends.join_all().await;
    }

    fn router(
        &self,
        configuration: &Configuration,
        servers: &Servers,
        quotas: &Arc<Quotas>,
        console: &Guard,
    ) -> anyhow::Result<Router> {
        let router = self
            .authorization_server
            .router()
            .merge(self.console(console))
            .merge(health::router(self.parts.store.clone()))
            .merge(guard::metadata_router(servers.guards()));
        let router = router.merge(self.gateway(configuration, servers, quotas)?);
        let router = match &self.parts.metrics {
            Some(metrics) => metrics.measuring(router),
            None => router,
        };
        Ok(if self.parts.traced { Traces::measuring(router) } else { router })
    }

    fn console(&self, guard: &Guard) -> Router {
        ::console::router(::console::Settings {
            authorization_server: self.authorization_server.clone(),
            vault: self.vault.clone(),
            guard: guard.clone(),
            clock: Arc::clone(&self.parts.clock),
        })
    }

    fn signed_requests(&self, keys: &AccessKeys) -> Option<SignedRequests> {
        let Parts { store, keyring, .. } = self.parts;
        keys.enabled.then(|| SignedRequests::new(store, keyring, &keys.region, &keys.service))
    }

    fn gateway(
        &self,
        configuration: &Configuration,
        servers: &Servers,
        quotas: &Arc<Quotas>,
    ) -> anyhow::Result<Router> {
        let Parts { issuer, clock, random, .. } = self.parts;
        let auditor: Arc<dyn Auditor> = if configuration.audit.tool_calls {
            Arc::clone(&self.parts.auditor)
        } else {
            self.parts.counted(Arc::new(Unrecorded))
        };
        Ok(gateway::router(&gateway::Settings {
            public_url: issuer.as_str().parse().context("the public URL cannot be used as a URI")?,
            allowed_hosts: configuration.gateway.allowed_hosts.clone(),
            allowed_origins: configuration.gateway.allowed_origins.clone(),
            body_size: gateway::Settings::BODY_SIZE,
            body_time: gateway::Settings::BODY_TIME,
            clock: Arc::clone(clock),
            random: Arc::clone(random),
            auditor,
            event_streams: self.event_streams.clone(),
            policy: configuration.policy.clone(),
            quotas: Arc::clone(quotas),
            locks: configuration.lock.locks(&configuration.servers)?,
            signed_requests: self.signed_requests(&configuration.access_keys),
            demo: servers.demo.as_ref().map(DemoResources::settings),
            remote: servers.remote.iter().map(RemoteResource::settings).collect(),
            virtual_servers: servers.joint.iter().map(VirtualResource::settings).collect(),
        }))
    }
}

async fn authorization_server(
    parts: &Parts,
    configuration: &Configuration,
    revoked: RevokedTokens,
) -> anyhow::Result<AuthorizationServer> {
    let settings = authorization_server::Settings {
        issuer: parts.issuer.clone(),
        resources: Vec::new(),
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
