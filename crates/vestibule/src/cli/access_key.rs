//! `vestibule access-key`: keys for clients that sign requests (AWS Signature Version 4) and know no OAuth.

use std::io::{Write as _, stdout};

use anyhow::Context as _;
use client::printable;
use gateway::access_key::{self, NewAccessKey};
use jiff::SignedDuration;
use oauth::{Clock as _, ResourceIndicator, Scope, Timestamp};
use serde_json::{Value, json};
use store::{AccessKeyRecord, CommitError, UserRecord, UserState};

use super::{exit::Stop, printing};
use crate::{
    clock::SystemClock,
    config::{Configuration, Flags, access_keys::AccessKeys},
    entropy::SystemEntropy,
    keyring, storage,
};

/// `vestibule access-key`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key for a user and print its secret, once; works while the server runs.
    Add(Add),
    /// List the keys.
    List(List),
    /// End a key, at once and on every node.
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// What the key is for.
    name: String,
    /// Who acts with it.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What it may be used for, space-separated.
    #[arg(long, value_parser = parse_scope)]
    scope: Scope,
    /// The URL of an MCP endpoint where it may be used; may be repeated [default: every one].
    #[arg(long = "resource", value_name = "URL", value_parser = parse_resource)]
    resources: Vec<ResourceIndicator>,
    /// When it ends by itself, such as `90d` [default: never].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires: Option<std::time::Duration>,
    /// Print the key as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print the keys as a JSON array.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// The identifier of the key.
    id: String,
    #[command(flatten)]
    flags: Flags,
}

/// Runs a `vestibule access-key` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Add(arguments) => add(arguments).await,
        Command::List(arguments) => list(&arguments).await,
        Command::Remove(arguments) => remove(&arguments).await,
    }
}

async fn add(arguments: Add) -> anyhow::Result<()> {
    let configuration = Configuration::load(&arguments.flags, None)?;
    let (random, now) = (SystemEntropy::new(), SystemClock.now());
    let store = storage::open(&configuration.storage).await?;
    let keyring = keyring::open(&configuration.storage.data_dir, &store, &random).await?;
    let user = store.user_by_name(&arguments.user).await?.ok_or_else(|| {
        Stop::failure(format!("there is no user {}", arguments.user))
            .hint("add one with `vestibule user add`")
    })?;
    let new = NewAccessKey {
        user_id: user.id,
        name: arguments.name,
        scope: arguments.scope,
        resources: arguments.resources,
        expires_at: arguments.expires.map(|lifetime| now + lifetime),
    };
    let (key, secret) = access_key::create(&store, &keyring, &random, now, new).await?;
    let AccessKeys { enabled, region, service } = &configuration.access_keys;
    if arguments.json {
        let key = json!({
            "access_key_id": key.id, "secret_access_key": secret.expose(), "region": region, "service": service,
        });
        printing::json(&mut stdout(), &key)?;
    } else {
        let mut stdout = stdout().lock();
        writeln!(stdout, "access_key_id      {}", key.id)?;
        writeln!(stdout, "secret_access_key  {}", secret.expose())?;
    }
    eprintln!(
        "the secret is shown this once; requests are signed for the region {region} and the service {service}"
    );
    if !enabled {
        eprintln!("hint: signed requests are off: set `enabled = true` in [access_keys]");
    }
    Ok(())
}

async fn list(arguments: &List) -> anyhow::Result<()> {
    let configuration = Configuration::load(&arguments.flags, None)?;
    let store = storage::open(&configuration.storage).await?;
    let (keys, now) = (store.access_keys().await?, SystemClock.now());
    if arguments.json {
        printing::json(&mut stdout(), &keys.iter().map(|key| as_json(key, now)).collect::<Vec<_>>())?;
        return Ok(());
    }
    if keys.is_empty() {
        eprintln!("there is no access key");
        eprintln!("hint: make one with `vestibule access-key add NAME --user USER --scope SCOPE`");
    }
    let mut stdout = stdout().lock();
    for (key, user) in &keys {
        let (user_name, name) = (printable(&user.name), printable(&key.name));
        writeln!(stdout, "{}  {:8}  {user_name}  {name}  {}", key.id, state(key, user, now), key.scope)?;
    }
    Ok(())
}

async fn remove(arguments: &Remove) -> anyhow::Result<()> {
    let configuration = Configuration::load(&arguments.flags, None)?;
    let store = storage::open(&configuration.storage).await?;
    match access_key::remove(&store, &arguments.id, SystemClock.now()).await {
        Ok(()) => {
            eprintln!("{} is ended", arguments.id);
            Ok(())
        }
        Err(CommitError::Refused(_)) => {
            Err(Stop::failure(format!("there is no access key {}", arguments.id))
                .hint("`vestibule access-key list` shows those there are")
                .into())
        }
        Err(CommitError::Store(error)) => Err(error).context("the key cannot be removed"),
    }
}

fn state(key: &AccessKeyRecord, user: &UserRecord, now: Timestamp) -> &'static str {
    match user.state {
        UserState::Disabled => "disabled",
        UserState::Active if key.expires_at.is_some_and(|end| end <= now) => "expired",
        UserState::Active => "active",
    }
}

fn as_json((key, user): &(AccessKeyRecord, UserRecord), now: Timestamp) -> Value {
    json!({
        "access_key_id": key.id,
        "name": key.name,
        "user": user.name,
        "scope": key.scope,
        "resources": key.resources,
        "state": state(key, user, now),
        "created_at": key.created_at.seconds(),
        "expires_at": key.expires_at.map(Timestamp::seconds),
    })
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

fn parse_resource(text: &str) -> Result<ResourceIndicator, String> {
    ResourceIndicator::parse(text).map_err(|error| error.to_string())
}

/// Days are of 24 hours.
fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write a duration such as 90d or 12h".to_owned();
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let duration = match days {
        Some(days) => SignedDuration::from_hours(24 * i64::from(days)),
        None => text.parse().map_err(|_| wrong())?,
    };
    std::time::Duration::try_from(duration).ok().filter(|duration| !duration.is_zero()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_days_or_shorter() {
        assert_eq!(parse_duration("90d").unwrap().as_secs(), 90 * 86_400);
        assert_eq!(parse_duration("90m").unwrap().as_secs(), 5_400);
        for wrong in ["", "d", "0d", "-1d", "0s", "soon", "-5m"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
