//! The vault, and what servers take from it.

use std::sync::Arc;

use anyhow::Context as _;
use gateway::{ServerCredentials, Whose};
use oauth::{ClientId, Issuer, ResourceIndicator, Scope};
use outbound::Egress;
use vault::{
    ProviderName, RefreshSettings, Team, TeamName, Vault,
    provider::{
        AccountSource, Assertions, AuthorizationServer, Placement, Provider, ProviderKind, Quirks, Source,
    },
};

use super::Parts;
use crate::config::{
    Configuration, network,
    provider::{self, discovered},
    server::{AllowPrivate, Behind, Elicitation, Reached, Remote, Server},
    team,
};

/// What we are called where nobody has registered us by hand.
const CLIENT_NAME: &str = "Vestibule";

/// The vault on the database, with the providers and teams of the configuration. `assertions` vouches for people, where
/// somebody can.
pub(super) fn open(
    parts: &Parts,
    configuration: &Configuration,
    assertions: Option<Arc<dyn Assertions>>,
) -> anyhow::Result<Vault> {
    Ok(Vault::open(vault::Settings {
        store: parts.store.clone(),
        keyring: Arc::clone(&parts.keyring),
        providers: providers(configuration, &parts.issuer)?,
        teams: teams(&configuration.teams)?,
        public_url: parts.issuer.clone(),
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        auditor: Arc::clone(&parts.auditor),
        refresh: RefreshSettings::default(),
        assertions,
        node: parts.node.clone(),
    }))
}

/// Every provider: those of the file, and one for each server whose authorization server is found out.
pub(super) fn providers(configuration: &Configuration, issuer: &Issuer) -> anyhow::Result<Vec<Provider>> {
    let given = configuration.providers.iter().map(|provider| {
        let egress = egress(provider.urls(), &provider.allow_private, issuer);
        Ok(provider.given(egress)?)
    });
    let found_out = configuration.servers.iter().filter_map(|server| found_out(server, issuer).transpose());
    given.chain(found_out).collect()
}

/// The provider that `server` leads to itself, if that is what it says.
fn found_out(server: &Server, issuer: &Issuer) -> anyhow::Result<Option<Provider>> {
    let Some(name) = provider_of(server)?.filter(|name| *name == discovered(&server.name)) else {
        return Ok(None);
    };
    let Behind::Remote(Remote { reached: Reached::Http { url, allow_private, .. }, .. }) = server.behind()?
    else {
        return Ok(None);
    };
    let url = url.to_string();
    let server_url = ResourceIndicator::parse(&url)?;
    let source = Source::Server { server: server_url, client_name: CLIENT_NAME.to_owned() };
    Ok(Some(Provider {
        name: provider_name(&name)?,
        title: server.title.clone().unwrap_or_else(|| server.name.clone()),
        kind: ProviderKind::AuthorizationCode(Box::new(AuthorizationServer {
            source,
            quirks: Quirks::default(),
        })),
        placement: Placement::Bearer,
        scope: Scope::default(),
        egress: egress([url.as_str()].into_iter(), &allow_private, issuer),
        accounts: AccountSource::None,
    }))
}

/// Every team.
pub(super) fn teams(configured: &[team::Team]) -> anyhow::Result<Vec<Team>> {
    configured.iter().map(team).collect()
}

fn team(team: &team::Team) -> anyhow::Result<Team> {
    Ok(Team {
        name: TeamName::parse(&team.name).context("a team cannot be called so")?,
        users: team.users.clone(),
        roles: team.roles.clone(),
        clients: team.clients.iter().map(|id| ClientId::from_unverified(id.clone())).collect(),
        managers: team.managers.clone(),
    })
}

/// What goes with the calls of `server`.
pub(super) fn credentials(
    server: &Server,
    vault: &Vault,
    configured: &[team::Team],
) -> anyhow::Result<Option<ServerCredentials>> {
    let Some(credentials) = server.credentials()? else { return Ok(None) };
    let shared = configured.iter().find(|team| credentials.team.as_deref() == Some(&team.name));
    let whose = match shared {
        Some(shared) => Whose::Team(Arc::new(team(shared)?)),
        None => Whose::User,
    };
    let provider = provider_of(server)?.context("a server with credentials has a provider")?;
    Ok(Some(ServerCredentials {
        vault: vault.clone(),
        provider: provider_name(&provider)?,
        whose,
        scope: credentials.scope,
        tools: credentials.scopes,
        is_strict: credentials.elicitation == Elicitation::Strict,
        title: server.title.clone(),
    }))
}

/// The name of the provider of `server`.
fn provider_of(server: &Server) -> anyhow::Result<Option<String>> {
    let name = server.credentials()?.map(|credentials| credentials.provider);
    Ok(name.map(|name| if name == provider::DISCOVER { discovered(&server.name) } else { name }))
}

fn provider_name(name: &str) -> anyhow::Result<ProviderName> {
    ProviderName::parse(name).with_context(|| format!("a provider cannot be called {name:?}"))
}

/// Public addresses, the private ones that are allowed, and this computer for providers on it, while we are on it alone.
fn egress<'u>(urls: impl Iterator<Item = &'u str>, allow_private: &AllowPrivate, issuer: &Issuer) -> Egress {
    let is_here = network::is_on_this_computer(issuer.as_str());
    let own = |egress: Egress, url: &str| {
        let egress =
            if is_here && network::is_on_this_computer(url) { egress.with_loopback() } else { egress };
        match (allow_private, url::Url::parse(url).ok().as_ref().and_then(url::Url::host_str)) {
            (AllowPrivate::All(true), Some(host)) => egress.with_host(host),
            _ => egress,
        }
    };
    let egress = urls.fold(Egress::public(), own);
    match allow_private {
        AllowPrivate::Hosts(hosts) => hosts.iter().fold(egress, |egress, host| egress.with_host(host)),
        AllowPrivate::All(_) => egress,
    }
}
