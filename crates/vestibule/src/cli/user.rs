//! `vestibule user`: the people who can sign in.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use authorization_server::{
    invitation::{self, NewInvitation},
    user::{self, NewPassword, NewUser},
};
use oauth::Clock as _;
use secret::Secret;
use store::Store;

use super::exit::Stop;
use crate::{
    clock::SystemClock,
    config::{Configuration, Flags},
    entropy::SystemEntropy,
    storage,
};

/// `vestibule user`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a user; works while the server runs.
    Add(Add),
    /// Show or change the roles of a user, which the rules of the policy ask for.
    Roles(Roles),
    /// Change a user's password; ends their sessions and what they allowed, while the server runs too.
    SetPassword(SetPassword),
}

#[derive(Debug, clap::Args)]
struct SetPassword {
    /// Whose password.
    name: String,
    /// Read the password from the first line of stdin.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Roles {
    /// Whose roles.
    name: String,
    /// Give the user this role; may be repeated.
    #[arg(long, value_name = "ROLE")]
    add: Vec<String>,
    /// Take this role from the user; may be repeated.
    #[arg(long, value_name = "ROLE")]
    remove: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Add {
    /// What the user types to sign in.
    name: String,
    /// What pages show [default: the name].
    #[arg(long)]
    display_name: Option<String>,
    /// Let the user administer the server.
    #[arg(long)]
    operator: bool,
    /// Give the user a role, which the rules of the policy ask for; may be repeated.
    #[arg(long = "role", value_name = "ROLE", conflicts_with = "invite")]
    roles: Vec<String>,
    /// Read the password from the first line of stdin.
    #[arg(long, conflicts_with = "invite")]
    password_stdin: bool,
    /// Print a one-time link with which the user chooses the password.
    #[arg(long)]
    invite: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Runs a `vestibule user` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Add(add) => {
            let configuration = Configuration::load(&add.flags, None)?;
            if add.invite { invite(&add, &configuration).await } else { create(&add, &configuration).await }
        }
        Command::Roles(change) => roles(&change).await,
        Command::SetPassword(change) => set_password(&change).await,
    }
}

async fn create(add: &Add, configuration: &Configuration) -> anyhow::Result<()> {
    let password = if add.password_stdin { read_password()? } else { ask_password(&add.name)? };
    user::check_password(&password)?;
    let store = storage::open(&configuration.storage).await?;
    let new = NewUser {
        name: &add.name,
        display_name: add.display_name.as_deref().unwrap_or(&add.name),
        password: Some(&password),
        is_operator: add.operator,
        roles: &add.roles,
    };
    user::create(&store, &SystemEntropy::new(), SystemClock.now(), new).await?;
    eprintln!("user {} added", add.name);
    Ok(())
}

/// Prints the roles that the user has afterwards, one per line.
async fn roles(change: &Roles) -> anyhow::Result<()> {
    let configuration = Configuration::load(&change.flags, None)?;
    let store = storage::open(&configuration.storage).await?;
    let user = existing(&store, &change.name).await?;
    let kept = user.roles.iter().filter(|role| !change.remove.contains(role));
    let wanted: Vec<_> = kept.chain(&change.add).cloned().collect();
    let roles = user::set_roles(&store, &user, &wanted).await?;
    for role in &roles {
        println!("{role}");
    }
    if roles.is_empty() {
        eprintln!("{} has no roles", change.name);
    }
    if roles != user.roles {
        let lifetime = jiff::SignedDuration::try_from(configuration.lifetimes.access_token)?;
        eprintln!(
            "{} acts with these roles within {lifetime:#}, when the access tokens of now have ended",
            change.name
        );
    }
    Ok(())
}

async fn existing(store: &Store, name: &str) -> anyhow::Result<store::UserRecord> {
    let found = store.user_by_name(name).await?;
    found.ok_or_else(|| {
        Stop::failure(format!("there is no user {name}")).hint("add one with `vestibule user add`").into()
    })
}

async fn set_password(change: &SetPassword) -> anyhow::Result<()> {
    let configuration = Configuration::load(&change.flags, None)?;
    let store = storage::open(&configuration.storage).await?;
    let record = existing(&store, &change.name).await?;
    let password = if change.password_stdin { read_password()? } else { ask_password(&change.name)? };
    user::check_password(&password)?;
    let ends_grants = Some(configuration.lifetimes.access_token);
    let new = NewPassword { password: &password, ends_grants };
    user::set_password(&store, &SystemEntropy::new(), SystemClock.now(), &record, new).await?;
    eprintln!("the password of {} is changed; every app they allowed has to ask again", change.name);
    Ok(())
}

/// The user is made when the link is opened; until then the name stays free.
async fn invite(add: &Add, configuration: &Configuration) -> anyhow::Result<()> {
    if add.display_name.is_some() {
        return Err(Stop::usage(
            "--display-name is chosen by whoever opens the link; leave it out with --invite",
        )
        .into());
    }
    let network = &configuration.network;
    if network.public_url.is_none() && network.listen.port() == 0 {
        return Err(Stop::usage("the server picks its port when it starts, so the link is not known here")
            .hint("add --public-url with the URL that the server printed")
            .into());
    }
    let issuer = network.issuer(network.listen)?;
    let store = storage::open(&configuration.storage).await?;
    refuse_taken(&store, &add.name).await?;
    let new = NewInvitation {
        user_name: Some(&add.name),
        makes_operator: add.operator,
        lifetime: configuration.lifetimes.invitation,
    };
    let token = invitation::create(&store, &SystemEntropy::new(), SystemClock.now(), new).await?;
    println!("{}", invitation::url(&issuer, &token));
    eprintln!("whoever opens this link first becomes {}; it works once", add.name);
    Ok(())
}

async fn refuse_taken(store: &Store, name: &str) -> anyhow::Result<()> {
    match store.user_by_name(name).await? {
        Some(_) => {
            Err(Stop::failure(format!("there is a user {name} already")).hint("choose another name").into())
        }
        None => Ok(()),
    }
}

fn read_password() -> anyhow::Result<Secret<String>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("no password can be read from stdin")?;
    let line = Secret::new(line);
    Ok(Secret::from(line.expose().trim_end_matches(['\r', '\n'])))
}

fn ask_password(name: &str) -> anyhow::Result<Secret<String>> {
    if !io::stdin().is_terminal() {
        return Err(Stop::usage("there is no terminal to ask for a password")
            .hint("add --password-stdin and pipe it in, or --invite for a link")
            .into());
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).map(Secret::new);
    let first = ask(format!("password for {name}: "))?;
    let second = ask("the same again: ".to_owned())?;
    if first.expose() != second.expose() {
        return Err(Stop::failure("the two passwords differ; nothing was changed").into());
    }
    Ok(first)
}
