//! The page of a person's connections.

use authorization_server::{
    Form, FromBrowser, OwnPage, SignedIn,
    page::{self, Page, PageError},
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use oauth::{Scope, parameters::Parameters};
use vault::{Connection, ConnectionId, ConnectionState, Owner, Provider, ProviderName, VaultError};

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
    let connections = console.vault().connections(&owner(&who)).await.map_err(problem::unavailable)?;
    let providers = console.vault().providers();
    let services: Vec<_> = providers
        .iter()
        .map(|provider| service(console, provider, &connections))
        .filter(|service| service.is_connectable || !service.rows.is_empty())
        .collect();
    let view = Connections { services: &services, user_name: who.user_name() };
    Ok(Page::new(StatusCode::OK, view.render(from.language)).answer(console.issuer()))
}

fn service<'a>(console: &Console, provider: &'a Provider, connections: &'a [Connection]) -> Service<'a> {
    let rows = connections.iter().filter(|connection| connection.provider == provider.name);
    Service {
        name: provider.name.as_str(),
        title: &provider.title,
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
    let one = |name| parameters.one(name).ok().flatten().unwrap_or_default();
    let url = match one("action") {
        "connect" | "reconnect" => connect(console, &who, one("provider")).await?,
        "choose" => choose(console, &who, one("connection")).await?,
        "disconnect" => disconnect(console, &who, one("connection")).await?,
        _ => return Err(PageError::expired_transaction(StatusCode::BAD_REQUEST)),
    };
    Ok(page::see_other(console.issuer(), &url))
}

async fn connect(console: &Console, who: &SignedIn, provider: &str) -> Result<String, PageError> {
    let unknown = || PageError::expired_transaction(StatusCode::BAD_REQUEST);
    let provider = ProviderName::parse(provider).ok_or_else(unknown)?;
    let link = begin::link(console, owner(who), &provider, &Scope::default()).await;
    Ok(link.map_err(|error| problem::of_api(error, unknown))?.url)
}

/// From now on this one of several is used.
async fn choose(console: &Console, who: &SignedIn, id: &str) -> Result<String, PageError> {
    let id = ConnectionId::from_unverified(id);
    match console.vault().choose(&owner(who), &id).await {
        Ok(()) | Err(VaultError::NoSuchConnection) => Ok(console.issuer().url(CONNECTIONS_PATH)),
        Err(error) => Err(problem::unavailable(error)),
    }
}

/// What was ended before is ended too: whoever sends the form twice sees that it is gone.
async fn disconnect(console: &Console, who: &SignedIn, id: &str) -> Result<String, PageError> {
    let id = ConnectionId::from_unverified(id);
    match console.vault().delete(&owner(who), &id).await {
        Ok(()) | Err(VaultError::NoSuchConnection) => Ok(console.issuer().url(CONNECTIONS_PATH)),
        Err(error) => Err(problem::unavailable(error)),
    }
}

fn owner(who: &SignedIn) -> Owner {
    Owner::User(who.user_id().clone())
}

fn sign_in(console: &Console, from: &FromBrowser) -> Response {
    let page = OwnPage::at(CONNECTIONS_PATH).expect("our own paths are pages of ours");
    console.server().sign_in_before(&page, from)
}
