//! `vestibule server`: the MCP servers behind the gateway, as the configuration file has them.
//!
//! The file is edited as a person would: what stands in it stays as it is, comments too. A running server takes the
//! change over by itself.

mod add;
mod list;
mod remove;
mod test;

use std::path::{Path, PathBuf};

pub(super) use self::test::{operators_permit, stopped};

use super::exit::Stop;
use crate::config::{Configuration, Flags, edit::Edited};

/// `vestibule server`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a server to the configuration file.
    Add(add::Arguments),
    /// List the servers that are configured.
    List(list::Arguments),
    /// Connect to a server and say what works.
    Test(test::Arguments),
    /// Remove a server from the configuration file.
    Remove(remove::Arguments),
}

/// Runs a `vestibule server` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Add(add) => add::run(&add),
        Command::List(list) => list::run(&list),
        Command::Test(test) => test::run(&test).await,
        Command::Remove(remove) => remove::run(&remove),
    }
}

/// The configuration file that is to be edited.
pub(super) fn file(flags: &Flags) -> Result<PathBuf, Stop> {
    flags.config.clone().ok_or_else(|| {
        Stop::usage("no configuration file is named").hint("add --config FILE, or set VESTIBULE_CONFIG")
    })
}

/// Puts the edited text in the place of the file, if it is a configuration.
fn save(flags: &Flags, file: &Path, edited: &Edited) -> anyhow::Result<Configuration> {
    let configuration = Configuration::of_text(flags, None, file, &edited.text())?;
    edited.save(file)?;
    Ok(configuration)
}

/// How a running server comes to know.
pub(super) fn say_when(configuration: &Configuration) {
    if configuration.watch {
        eprintln!("a running server takes it over within two seconds");
    } else {
        eprintln!("hint: this file is not watched; send SIGHUP to the running server");
    }
}
