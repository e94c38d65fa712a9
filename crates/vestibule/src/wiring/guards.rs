//! One guard per resource.

use std::sync::Arc;

use authorization_server::{Resource, ScopeDescription};
use guard::{Guard, Keys, RevokedTokens, Tenant};
use oauth::{ResourceIndicator, Scope};
use vault::Vault;

use super::{Issuers, Kept, Parts, resource_of};
use crate::config::{
    issuer::Trust,
    server::{Account, Server},
    team::Team,
};

/// What all servers and their guards have in common, and the ones there are.
pub(super) struct Guards<'a> {
    pub(super) parts: &'a Parts,
    pub(super) keys: &'a Keys,
    pub(super) revoked: &'a RevokedTokens,
    pub(super) kept: &'a Kept,
    pub(super) issuers: &'a Issuers,
    pub(super) accounts: &'a [Account],
    pub(super) teams: &'a [Team],
    pub(super) vault: &'a Vault,
}

/// What differs from guard to guard; see [`guard::Settings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guarded {
    pub(super) resource: ResourceIndicator,
    pub(super) announced: Option<ResourceIndicator>,
    pub(super) accepted_audiences: Vec<ResourceIndicator>,
    pub(super) trust: Trust,
    pub(super) tenant: Option<Tenant>,
    pub(super) is_primary: bool,
    pub(super) name: String,
    pub(super) scope: Scope,
}

impl Guarded {
    /// As `server` says of itself, for the scope that its basic use needs.
    pub(super) fn of(server: &Server, guards: &Guards<'_>, scope: Scope) -> anyhow::Result<Self> {
        let issuer = &guards.parts.issuer;
        let announced = server.announced_path().map(|path| ResourceIndicator::parse(&issuer.url(path)));
        let announced = announced.transpose()?;
        Ok(Self {
            resource: resource_of(server, issuer)?,
            accepted_audiences: announced.iter().cloned().collect(),
            announced,
            trust: guards.issuers.trust(server),
            tenant: guards.tenant(server),
            is_primary: true,
            name: server.title.clone().unwrap_or_else(|| server.name.clone()),
            scope,
        })
    }

    /// As the authorization server knows it, under each of its names; whether it is the default is not its to say.
    pub(super) fn described(&self, scopes: &[ScopeDescription]) -> Vec<Resource> {
        let resource = |indicator: &ResourceIndicator, is_alias| Resource {
            indicator: indicator.clone(),
            name: self.name.clone(),
            scopes: scopes.to_vec(),
            is_default: false,
            is_alias,
        };
        let announced = self.announced.iter().map(|announced| resource(announced, true));
        [resource(&self.resource, false)].into_iter().chain(announced).collect()
    }
}

impl Guards<'_> {
    /// The guard that is told this: the one there is, with the tokens it has seen, or a new one.
    pub(super) fn guard(&self, guarded: &Guarded) -> Guard {
        if let Some(kept) = self.kept.guard(guarded) {
            return kept;
        }
        let Guarded { resource, announced, accepted_audiences, trust, tenant, is_primary, name, scope } =
            guarded.clone();
        Guard::new(guard::Settings {
            issuer: self.parts.issuer.clone(),
            issuers: self.issuers.trusted(&trust),
            resource,
            announced,
            accepted_audiences,
            tenant,
            is_primary,
            name: Some(name),
            scope,
            keys: self.keys.clone(),
            revoked: self.revoked.clone(),
            clock: Arc::clone(&self.parts.clock),
        })
    }

    /// The account whose server it is.
    pub(super) fn tenant(&self, server: &Server) -> Option<Tenant> {
        let account = self.accounts.iter().find(|account| Some(account.id.as_str()) == server.account())?;
        Some(Tenant {
            all: self.parts.issuer.url("/accounts/"),
            own: self.parts.issuer.url(&format!("/accounts/{}/", account.id)),
            users: account.users.clone(),
            clients: account.clients.clone(),
        })
    }
}
