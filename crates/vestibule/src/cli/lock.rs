//! `vestibule lock`: what was approved of what servers say about their tools, prompts and use.
//!
//! The lock file is written in one step, and a running server takes it over as it does the configuration.

mod approve;
mod diff;
mod show;
mod words;

use std::sync::Arc;

use anyhow::Context as _;
use gateway::lock::{Definitions, ask};
use oauth::Issuer;
use secret::{Random, Secret};

use super::{
    exit::Stop,
    server::{file, operators_permit, stopped},
};
use crate::{
    config::{
        Configuration, Flags,
        server::{Behind, Remote},
    },
    entropy::SystemEntropy,
    wiring,
};

/// `vestibule lock`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Approve what servers say now, and write it into the lock file.
    Approve(approve::Arguments),
    /// Show what servers say now that was not approved; ends with 1 when there is something.
    Diff(diff::Arguments),
}

/// Runs a `vestibule lock` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Approve(arguments) => approve::run(&arguments).await,
        Command::Diff(arguments) => diff::run(&arguments).await,
    }
}

fn load(flags: &Flags) -> anyhow::Result<Configuration> {
    file(flags)?;
    Configuration::load(flags, None)
}

/// The servers that can be asked, or the one called `name`.
fn servers(configuration: &Configuration, name: Option<&str>) -> anyhow::Result<Vec<(String, Remote)>> {
    let mut servers = Vec::new();
    for server in &configuration.servers {
        if let Behind::Remote(remote) = server.behind()? {
            servers.push((server.name.clone(), remote));
        }
    }
    let Some(name) = name else { return Ok(servers) };
    let names: Vec<_> = servers.iter().map(|(name, _)| name.clone()).collect();
    let found = servers.into_iter().find(|(found, _)| found == name);
    let found = found.ok_or_else(|| {
        Stop::failure(format!("there is no server {name:?} that could be asked"))
            .hint(format!("there are: {}", names.join(", ")))
    })?;
    Ok(vec![found])
}

/// What a server says about itself now.
async fn found(configuration: &Configuration, name: &str, remote: &Remote) -> anyhow::Result<Definitions> {
    let issuer: Issuer = configuration.network.issuer(configuration.network.listen)?;
    let random: Arc<dyn Random> = Arc::new(SystemEntropy::new());
    let mut session_key = [0; 32];
    random.fill(&mut session_key);
    let connected = wiring::connect(name, remote, &issuer, &random, &Secret::new(session_key))?;
    let found = ask(&connected.server, &remote.endpoint(), operators_permit()?).await;
    if let Some(process) = connected.process {
        process.shut_down().await;
    }
    found.map_err(|error| stopped(&error)).with_context(|| format!("the server {name:?} cannot be asked"))
}
