//! `vestibule connection`: the accounts that people have connected, as the operator of this installation sees them: that
//! they are there, and never what they hold.

use std::{
    io::{Write as _, stdout},
    sync::Arc,
};

use anyhow::Context as _;
use client::printable;
use jiff::Timestamp as Moment;
use oauth::{Timestamp, UserId};
use serde_json::{Value, json};
use store::{Store, UserRecord};
use vault::{
    Connection, ConnectionId, ConnectionState, Need, NeedReason, Owner, Provider, ProviderName, TeamName,
    Vault, VaultError,
};

use super::{exit::Stop, printing};
use crate::{
    config::{Configuration, Flags},
    wiring::Installation,
};

/// How many connections are read at once.
const PAGE: u32 = 500;

/// `vestibule connection`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the accounts that are connected.
    List(List),
    /// Show one of them.
    Show(One),
    /// Make a link at which somebody connects an account.
    Connect(Connect),
    /// End one of them, here and at the provider.
    Revoke(One),
    /// Let go of the authorization server that was found out for an MCP server, so that the one it names now is used.
    ForgetServer(ForgetServer),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only those of this user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only those at this provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Print them as a JSON array.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct One {
    /// Its identifier, as `list` shows it.
    id: String,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
struct Connect {
    /// The provider, as the configuration calls it.
    provider: String,
    /// Who connects an account of their own.
    #[arg(long, value_name = "NAME", group = "whose")]
    user: Option<String>,
    /// The team that is to use it; one of its managers opens the link.
    #[arg(long, value_name = "NAME", group = "whose")]
    team: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct ForgetServer {
    /// The provider; that of the server NAME is called mcp-NAME.
    provider: String,
    #[command(flatten)]
    flags: Flags,
}

/// Runs a `vestibule connection` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::List(arguments) => list(&arguments).await,
        Command::Show(arguments) => show(&arguments).await,
        Command::Connect(arguments) => connect(&arguments).await,
        Command::Revoke(arguments) => revoke(&arguments).await,
        Command::ForgetServer(arguments) => forget_server(&arguments).await,
    }
}

async fn list(arguments: &List) -> anyhow::Result<()> {
    let Opened { store, vault } = open(&arguments.flags).await?;
    let owner = match &arguments.user {
        Some(name) => Some(Owner::User(user(&store, name).await?.id)),
        None => None,
    };
    let is_meant = |connection: &Connection| {
        owner.as_ref().is_none_or(|owner| connection.owner == *owner)
            && arguments.provider.as_deref().is_none_or(|provider| connection.provider.as_str() == provider)
    };
    let connections: Vec<_> = all(&vault).await?.into_iter().filter(is_meant).collect();
    let users = store.users().await?;
    if arguments.json {
        let all: Vec<_> = connections.iter().map(|connection| as_json(connection, &users)).collect();
        return Ok(printing::json(&mut stdout(), &all)?);
    }
    if connections.is_empty() {
        eprintln!("nothing is connected");
        eprintln!(
            "hint: people connect when a tool asks them to, at /connections, or with `vestibule connection connect`"
        );
    }
    let mut stdout = stdout().lock();
    for connection in &connections {
        let Connection { id, provider, .. } = connection;
        let (owner, account) = (owner_text(&connection.owner, &users), account(connection));
        writeln!(stdout, "{id}  {:9}  {provider}  {owner}  {account}", state(connection).0)?;
    }
    Ok(())
}

async fn show(arguments: &One) -> anyhow::Result<()> {
    let Opened { store, vault } = open(&arguments.flags).await?;
    let connection = found(&vault, &arguments.id).await?;
    Ok(printing::json(&mut stdout(), &as_json(&connection, &store.users().await?))?)
}

async fn connect(arguments: &Connect) -> anyhow::Result<()> {
    let Opened { store, vault } = open(&arguments.flags).await?;
    let provider = known(&vault, &arguments.provider)?;
    let name = provider.name.clone();
    if !provider.is_connectable() {
        return Err(Stop::failure(format!(
            "{name} needs no account: it gives its credential to this installation"
        ))
        .into());
    }
    let owner = match (&arguments.user, &arguments.team) {
        (Some(name), _) => Owner::User(user(&store, name).await?.id),
        (None, team) => {
            let team = TeamName::parse(team.as_deref().unwrap_or_default());
            let team = team.filter(|team| vault.team(team).is_some());
            Owner::Team(team.ok_or_else(|| Stop::failure("there is no such team in the configuration"))?)
        }
    };
    let need = Need { owner, provider: name, scope: provider.scope.clone(), reason: NeedReason::Never };
    let link = vault.ask(&need, None).await.context("the link cannot be made")?;
    writeln!(stdout(), "{}", link.url)?;
    eprintln!("whoever it is for opens the link and signs in; it opens nothing for anybody else");
    Ok(())
}

async fn revoke(arguments: &One) -> anyhow::Result<()> {
    let Opened { vault, .. } = open(&arguments.flags).await?;
    let connection = found(&vault, &arguments.id).await?;
    match vault.delete(&connection.owner, &connection.id).await {
        Ok(()) => {}
        Err(VaultError::NoSuchConnection) => return Err(not_there(&arguments.id).into()),
        Err(error) => return Err(error).context("the connection cannot be ended"),
    }
    eprintln!("{} is ended here", connection.id);
    match vault.revoke_queued().await {
        Ok(_) => eprintln!("the provider is told, now or as soon as it can be reached"),
        Err(error) => eprintln!("warning: the provider will be told by the running server: {error}"),
    }
    Ok(())
}

async fn forget_server(arguments: &ForgetServer) -> anyhow::Result<()> {
    let Opened { vault, .. } = open(&arguments.flags).await?;
    let name = &known(&vault, &arguments.provider)?.name;
    if !vault.forget_server(name).await.context("the authorization server cannot be let go of")? {
        return Err(Stop::failure(format!("no authorization server is pinned for {name}"))
            .hint("one is pinned when somebody connects at a server with provider = \"discover\"")
            .into());
    }
    eprintln!("the authorization server of {name} is let go of");
    eprintln!("hint: nodes that are running take it over at a reload, or within an hour");
    Ok(())
}

/// The provider of this name.
fn known(vault: &Vault, name: &str) -> Result<Arc<Provider>, Stop> {
    let found = ProviderName::parse(name).and_then(|name| vault.provider(&name));
    found.ok_or_else(|| {
        let known = vault.providers().iter().map(|provider| provider.name.to_string()).collect::<Vec<_>>();
        Stop::failure(format!("there is no provider {}", printable(name)))
            .hint(format!("there are: {}", known.join(", ")))
    })
}

/// What these commands work on.
struct Opened {
    store: Store,
    vault: Vault,
}

async fn open(flags: &Flags) -> anyhow::Result<Opened> {
    let configuration = Configuration::load(flags, None)?;
    let Installation { store, vault } = Installation::open(&configuration).await?;
    Ok(Opened { store, vault })
}

/// Every connection, page by page.
async fn all(vault: &Vault) -> anyhow::Result<Vec<Connection>> {
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        let last = connections.last().map(|connection| connection.id.clone());
        let page = vault.all_connections(last.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(connections);
        }
        connections.extend(page);
    }
}

async fn user(store: &Store, name: &str) -> anyhow::Result<UserRecord> {
    Ok(store.user_by_name(name).await?.ok_or_else(|| {
        Stop::failure(format!("there is no user {}", printable(name)))
            .hint("add one with `vestibule user add`")
    })?)
}

async fn found(vault: &Vault, id: &str) -> anyhow::Result<Connection> {
    let id = ConnectionId::from_unverified(id);
    let mut connections = all(vault).await?.into_iter();
    Ok(connections.find(|connection| connection.id == id).ok_or_else(|| not_there(id.as_str()))?)
}

fn not_there(id: &str) -> Stop {
    Stop::failure(format!("there is no connection {}", printable(id)))
        .hint("`vestibule connection list` shows those there are")
}

fn as_json(connection: &Connection, users: &[UserRecord]) -> Value {
    let (state, reason) = state(connection);
    json!({
        "id": connection.id.as_str(),
        "owner": owner_text(&connection.owner, users),
        "provider": connection.provider.as_str(),
        "account": connection.account,
        "account_name": connection.account_name,
        "scope": connection.scope,
        "state": state,
        "reason": reason,
        "is_chosen": connection.is_chosen,
        "created_at": moment(connection.created_at),
        "last_used_at": connection.last_used_at.map(moment),
    })
}

fn state(connection: &Connection) -> (&'static str, Option<&'static str>) {
    match connection.state {
        ConnectionState::Connected => ("connected", None),
        ConnectionState::Reconnect(reason) => ("reconnect", Some(reason.told())),
    }
}

fn account(connection: &Connection) -> String {
    let account = connection.account_name.as_deref().or(connection.account.as_deref());
    printable(account.unwrap_or("(account unknown)"))
}

fn owner_text(owner: &Owner, users: &[UserRecord]) -> String {
    let name = |id: &UserId| users.iter().find(|user| user.id == *id).map(|user| printable(&user.name));
    match owner {
        Owner::User(id) => name(id).unwrap_or_else(|| owner.to_string()),
        other => printable(&other.to_string()),
    }
}

fn moment(time: Timestamp) -> String {
    Moment::from_second(time.seconds()).map_or_else(|_| String::new(), |moment| moment.to_string())
}
