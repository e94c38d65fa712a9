//! `vestibule server remove NAME`.

use crate::config::{Flags, edit::Edited};

/// `vestibule server remove`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Its name.
    name: String,
    #[command(flatten)]
    flags: Flags,
}

/// Removes the server. Calls that are under way at it come to their end.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = super::file(&arguments.flags)?;
    let mut edited = Edited::open(&file)?;
    edited.remove(&arguments.name)?;
    let configuration = super::save(&arguments.flags, &file, &edited)?;
    eprintln!("removed {} from {}", arguments.name, file.display());
    super::say_when(&configuration);
    Ok(())
}
