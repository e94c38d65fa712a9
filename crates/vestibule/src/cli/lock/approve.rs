//! `vestibule lock approve`: what servers say now is what was approved from now on.

use anyhow::Context as _;
use gateway::lock::{Definitions, Thing, approve, differences};

use super::{found, load, servers, show};
use crate::{
    cli::{exit::Stop, server::say_when},
    config::{Configuration, Flags, edit::put_in_place, server::Remote},
};

/// `vestibule lock approve`
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A server, or one tool or prompt of it.
    #[arg(value_name = "SERVER[/TOOL]", required_unless_present = "all")]
    target: Option<String>,
    /// Approve everything of all servers, and forget those that are not configured any more.
    #[arg(long, conflicts_with = "target")]
    all: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Prints what is approved that was not before.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut configuration = load(&arguments.flags)?;
    let (server, thing) = match arguments.target.as_deref() {
        None => (None, None),
        // The names of servers have no slash.
        Some(target) => {
            target.split_once('/').map_or((Some(target), None), |(server, thing)| (Some(server), Some(thing)))
        }
    };
    let mut failures = Vec::new();
    for (name, remote) in servers(&configuration, server)? {
        if let Err(error) = approve_one(&mut configuration, (&name, &remote), thing).await {
            failures.push(error);
        }
    }
    if arguments.all {
        let names: Vec<_> = configuration.servers.iter().map(|server| server.name.clone()).collect();
        configuration.lock.lock.retain(|name| names.iter().any(|found| found == name));
    }
    save(&configuration)?;
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        number => {
            for error in &failures {
                eprintln!("error: {error:#}");
            }
            Err(Stop::failure(format!("{number} servers cannot be asked; what was approved of them stays"))
                .into())
        }
    }
}

async fn approve_one(
    configuration: &mut Configuration,
    (name, remote): (&str, &Remote),
    only: Option<&str>,
) -> anyhow::Result<()> {
    let found = found(configuration, name, remote).await?;
    let before = configuration.lock.lock.server(name).cloned();
    if let Some(only) = only {
        let is_there = |definitions: &Definitions| {
            [Thing::Tool, Thing::Prompt].iter().any(|thing| definitions.get(*thing, only).is_some())
        };
        if !is_there(&found) && !before.as_deref().is_some_and(is_there) {
            return Err(Stop::failure(format!("the server {name:?} has no tool or prompt {only:?}")).into());
        }
    }
    let approved = approve(before.as_deref(), &found, only);
    let nothing = Definitions { endpoint: approved.endpoint.clone(), ..Definitions::default() };
    for difference in differences(before.as_deref().unwrap_or(&nothing), &approved) {
        print!("approved {}", show::difference(name, &difference));
    }
    configuration.lock.lock.set(name, approved);
    Ok(())
}

fn save(configuration: &Configuration) -> anyhow::Result<()> {
    let path = configuration.lock.path.as_deref().context("there is no configuration file")?;
    let written = put_in_place(path, &configuration.lock.lock.text());
    written.with_context(|| format!("the lock file {} cannot be written", path.display()))?;
    eprintln!("written to {}", path.display());
    say_when(configuration);
    Ok(())
}
