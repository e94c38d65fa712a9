//! `vestibule lock diff`: what servers say now, beside what was approved of them.

use gateway::lock::{Definitions, differences};

use super::{found, load, servers, show};
use crate::{cli::exit::Stop, config::Flags};

/// `vestibule lock diff`
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A server [default: all that stand in the lock file].
    #[arg(value_name = "SERVER")]
    server: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

/// Prints what differs; ends with 1 when something does.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let configuration = load(&arguments.flags)?;
    let lock = &configuration.lock.lock;
    let mut number = 0;
    for (name, remote) in servers(&configuration, arguments.server.as_deref())? {
        let approved = lock.server(&name);
        if approved.is_none() && arguments.server.is_none() {
            eprintln!("{name}: nothing was approved of it, so that it is not locked");
            continue;
        }
        let found = found(&configuration, &name, &remote).await?;
        let nothing = Definitions { endpoint: found.endpoint.clone(), ..Definitions::default() };
        let differences = differences(approved.map_or(&nothing, |approved| approved), &found);
        for difference in &differences {
            print!("{}", show::difference(&name, difference));
        }
        number += differences.len();
    }
    match number {
        0 => Ok(()),
        number => Err(Stop::failure(format!(
            "{number} {} not as approved",
            if number == 1 { "thing is" } else { "things are" }
        ))
        .hint("if this is what it should be: vestibule lock approve SERVER[/TOOL]")
        .into()),
    }
}
