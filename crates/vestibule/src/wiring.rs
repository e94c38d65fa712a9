//! Puts the roles together: the authorization server, the guards and the gateway become one router.
//!
//! The gateway and the guards meet the authorization server only as an issuer, a key set and a list of revocations.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use audit::Auditor;
use authorization_server::{AuthorizationServer, Resource, ScopeDescription};
use axum::Router;
use gateway::DemoSettings;
use guard::{Guard, Keys, RevokedTokens};
use oauth::{Clock, Issuer, ResourceIndicator, Scope};
use secret::{Keyring, Random, Secret};
use store::{Store, StoreError};

use crate::{
    audit::{Node, Sign, Writer},
    config::{Configuration, server::Server},
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
}

/// Puts the roles together.
pub(crate) async fn wire(parts: &Parts, configuration: &Configuration) -> anyhow::Result<Wired> {
    let demo =
        configuration.servers.first().map(|server| DemoResources::of(server, &parts.issuer)).transpose()?;
    let revoked = RevokedTokens::default();
    let authorization_server =
        authorization_server(parts, configuration, demo.as_ref(), revoked.clone()).await?;
    let keys = Keys::default();
    keys.replace(&authorization_server.jwk_set());

    let mut router = authorization_server.router().merge(health::router(parts.store.clone()));
    let guards = demo.map(|demo| demo.guards(parts, &keys, &revoked));
    if let Some(guards) = &guards {
        router = router.merge(guard::metadata_router(guards.all()));
    }
    let router = router.merge(gateway(parts, configuration, guards)?);
    let revocations = Revocations::new(parts.store.clone(), revoked, Arc::clone(&parts.clock));
    let sign = Box::new(move |checkpoint: &_| authorization_server.sign_checkpoint(checkpoint));
    Ok(Wired { router, revocations, sign })
}

async fn authorization_server(
    parts: &Parts,
    configuration: &Configuration,
    demo: Option<&DemoResources>,
    revoked: RevokedTokens,
) -> anyhow::Result<AuthorizationServer> {
    let settings = authorization_server::Settings {
        issuer: parts.issuer.clone(),
        resources: demo.map(DemoResources::described).unwrap_or_default(),
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
    guards: Option<DemoGuards>,
) -> anyhow::Result<Router> {
    let demo = guards.map(|guards| DemoSettings {
        guard: guards.primary,
        compatible_guard: guards.compatible,
        store: parts.store.clone(),
    });
    Ok(gateway::router(&gateway::Settings {
        public_url: parts.issuer.as_str().parse().context("the public URL cannot be used as a URI")?,
        allowed_hosts: configuration.gateway.allowed_hosts.clone(),
        allowed_origins: configuration.gateway.allowed_origins.clone(),
        session_key: Secret::new(*parts.keyring.derive("gateway session").expose()),
        body_size: gateway::Settings::BODY_SIZE,
        body_time: gateway::Settings::BODY_TIME,
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        demo,
    }))
}

/// The demo server under its own name and the two that older clients of it use. A token for any of them is good for
/// all: they are one resource.
struct DemoResources {
    primary: ResourceIndicator,
    compatible: ResourceIndicator,
    api: ResourceIndicator,
}

/// A guard for each name.
struct DemoGuards {
    primary: Guard,
    compatible: Guard,
    api: Guard,
}

const DEMO_NAME: &str = "Vestibule demo";

impl DemoResources {
    fn of(server: &Server, issuer: &Issuer) -> anyhow::Result<Self> {
        let at = |path: &str| ResourceIndicator::parse(&issuer.url(path));
        Ok(Self {
            primary: at(&format!("/mcp/{}", server.name))?,
            compatible: at("/mcp/v1")?,
            api: at("/api")?,
        })
    }

    /// As the authorization server knows them.
    fn described(&self) -> Vec<Resource> {
        let resource = |indicator: &ResourceIndicator, is_default| Resource {
            indicator: indicator.clone(),
            name: DEMO_NAME.to_owned(),
            scopes: demo_scopes(),
            is_default,
            is_alias: !is_default,
        };
        vec![resource(&self.primary, true), resource(&self.compatible, false), resource(&self.api, false)]
    }

    fn guards(&self, parts: &Parts, keys: &Keys, revoked: &RevokedTokens) -> DemoGuards {
        let names = [&self.primary, &self.compatible, &self.api];
        let scope = self.described().first().map_or_else(Scope::default, Resource::scope);
        let guard = |resource: &ResourceIndicator| {
            Guard::new(guard::Settings {
                issuer: parts.issuer.clone(),
                resource: resource.clone(),
                accepted_audiences: names.into_iter().filter(|name| *name != resource).cloned().collect(),
                is_primary: *resource == self.primary,
                name: Some(DEMO_NAME.to_owned()),
                scope: scope.clone(),
                keys: keys.clone(),
                revoked: revoked.clone(),
                clock: Arc::clone(&parts.clock),
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
    fn all(&self) -> [&Guard; 3] {
        [&self.primary, &self.compatible, &self.api]
    }
}

fn demo_scopes() -> Vec<ScopeDescription> {
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
