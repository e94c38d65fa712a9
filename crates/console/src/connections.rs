//! The page of a person's connections.

use std::sync::Arc;

use authorization_server::{
    Form, FromBrowser, OwnPage, SignedIn,
    page::{self, Page, PageError},
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use oauth::{Scope, parameters::Parameters};
use vault::{Connection, ConnectionId, ConnectionState, Owner, Provider, ProviderName, Team, VaultError};

use crate::{
    begin,
    moment::ago,
    pages::{CONNECTIONS_PATH, Connections, Row, Service},
    problem,
    settings::Console,
};

/// GET /connections
pub(crate) async fn get(State(console): State<Console>, from: FromBrowser) -> Response {
    let result = list(&console, &from).await;
    page::answer(console.server(), &from, result)
}

/// POST /connections
pub(crate) async fn post(State(console): State<Console>, from: FromBrowser, form: Form) -> Response {
    let result = act(&console, &from, &form.parameters).await;
    page::answer(console.server(), &from, result)
}

async fn list(console: &Console, from: &FromBrowser) -> Result<Response, PageError> {
    let Some(who) = console.server().signed_in(from).await? else { return Ok(sign_in(console, from)) };
    let teams = console.vault().teams_managed_by(who.user_name());
    let owners = owners(&who, &teams);
    let mut connections = Vec::new();
    for owner in &owners {
        connections.push(console.vault().connections(owner).await.map_err(problem::unavailable)?);
    }
    let providers = console.vault().providers();
    let services: Vec<_> = owners
        .iter()
        .zip(&connections)
        .flat_map(|(owner, held)| {
            providers.iter().map(move |provider| service(console, owner, provider, held))
        })
        .filter(|service| service.is_connectable || !service.rows.is_empty())
        .collect();
    let view = Connections { services: &services, user_name: who.user_name() };
    Ok(Page::new(StatusCode::OK, view.render(from.language)).answer(console.issuer()))
}

/// The person, then the teams that they manage.
fn owners(who: &SignedIn, teams: &[Arc<Team>]) -> Vec<Owner> {
    let teams = teams.iter().map(|team| Owner::Team(team.name.clone()));
    [Owner::User(who.user_id().clone())].into_iter().chain(teams).collect()
}

fn service<'a>(
    console: &Console,
    owner: &'a Owner,
    provider: &'a Provider,
    connections: &'a [Connection],
) -> Service<'a> {
    let rows = connections.iter().filter(|connection| connection.provider == provider.name);
    Service {
        name: provider.name.as_str(),
        title: &provider.title,
        team: match owner {
            Owner::Team(name) => Some(name.as_str()),
            _ => None,
        },
        is_connectable: provider.is_connectable(),
        rows: rows.map(|connection| row(console, connection)).collect(),
    }
}

fn row<'a>(console: &Console, connection: &'a Connection) -> Row<'a> {
    let now = console.clock().now();
    Row {
        id: connection.id.as_str(),
        account: connection.account_name.as_deref().or(connection.account.as_deref()),
        scopes: connection.scope.tokens().collect(),
        created: ago(connection.created_at, now),
        used: connection.last_used_at.map(|at| ago(at, now)),
        works: connection.state == ConnectionState::Connected,
        is_chosen: connection.is_chosen,
    }
}

async fn act(console: &Console, from: &FromBrowser, parameters: &Parameters) -> Result<Response, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    let Some(who) = console.server().signed_in(from).await? else { return Ok(sign_in(console, from)) };
    let one = |name| parameters.one(name).ok().flatten();
    let owner = owner(console, &who, one("team"))?;
    let connection = ConnectionId::from_unverified(one("connection").unwrap_or_default());
    let url = match one("action") {
        Some("connect" | "reconnect") => connect(console, owner, one("provider").unwrap_or_default()).await?,
        Some("choose") => over(console, console.vault().choose(&owner, &connection).await)?,
        Some("disconnect") => over(console, console.vault().delete(&owner, &connection).await)?,
        _ => return Err(PageError::expired_transaction(StatusCode::BAD_REQUEST)),
    };
    Ok(page::see_other(console.issuer(), &url))
}

async fn connect(console: &Console, owner: Owner, provider: &str) -> Result<String, PageError> {
    let unknown = || PageError::expired_transaction(StatusCode::BAD_REQUEST);
    let provider = ProviderName::parse(provider).ok_or_else(unknown)?;
    let link = begin::link(console, owner, &provider, &Scope::default()).await;
    Ok(link.map_err(|error| problem::of_api(error, unknown))?.url)
}

/// Back to the list. What was ended before is ended too: whoever sends a form twice sees that it is gone.
fn over(console: &Console, result: Result<(), VaultError>) -> Result<String, PageError> {
    match result {
        Ok(()) | Err(VaultError::NoSuchConnection) => Ok(console.issuer().url(CONNECTIONS_PATH)),
        Err(error) => Err(problem::unavailable(error)),
    }
}

/// Whose connection a form is about: the person's, or a team's that they manage. Any other is a form that no page of ours
/// has given them.
fn owner(console: &Console, who: &SignedIn, team: Option<&str>) -> Result<Owner, PageError> {
    let Some(name) = team else { return Ok(Owner::User(who.user_id().clone())) };
    let managed = console.vault().teams_managed_by(who.user_name());
    let team = managed.iter().find(|team| team.name.as_str() == name);
    team.map(|team| Owner::Team(team.name.clone())).ok_or_else(PageError::foreign_form)
}

fn sign_in(console: &Console, from: &FromBrowser) -> Response {
    let page = OwnPage::at(CONNECTIONS_PATH).expect("our own paths are pages of ours");
    console.server().sign_in_before(&page, from)
}
