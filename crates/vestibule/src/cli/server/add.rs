//! `vestibule server add NAME URL`, `vestibule server add NAME -- COMMAND …`.

use crate::{
    cli::exit::Stop,
    config::{
        Flags,
        edit::{Edited, NewBehind, NewServer},
    },
};

/// `vestibule server add`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Its place in the URL, `/mcp/NAME`: lower-case letters, digits and hyphens.
    name: String,
    /// The endpoint of a server elsewhere.
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    url: Option<String>,
    /// The program of a server on this machine, and its arguments; no shell reads them.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// What people call it [default: the name].
    #[arg(long)]
    title: Option<String>,
    /// The scope that its tools need [default: use].
    #[arg(long)]
    scope: Option<String>,
    /// A tool that nobody sees or calls here; may be repeated.
    #[arg(long = "hide", value_name = "TOOL")]
    hidden: Vec<String>,
    /// Let the URL lead into a private network.
    #[arg(long, conflicts_with = "command")]
    allow_private: bool,
    /// A variable of the process: NAME=VALUE, or NAME with the value that it has here; may be repeated.
    #[arg(long = "env", value_name = "NAME[=VALUE]", conflicts_with = "url")]
    environment: Vec<String>,
    /// Where the process runs [default: where Vestibule runs].
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    directory: Option<String>,
    /// Give every user a process of their own.
    #[arg(long, conflicts_with = "url")]
    per_user: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Adds the server; prints its path on stdout.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = super::file(&arguments.flags)?;
    let mut edited = Edited::open(&file)?;
    edited.add(&new_server(arguments)?)?;
    let configuration = super::save(&arguments.flags, &file, &edited)?;
    let added = configuration.servers.iter().find(|server| server.name == arguments.name);
    let path = added.map(crate::config::server::Server::path).unwrap_or_default();
    eprintln!("added {} to {}; it will be served at this path:", arguments.name, file.display());
    println!("{path}");
    super::say_when(&configuration);
    eprintln!("hint: see whether it works with `vestibule server test {}`", arguments.name);
    Ok(())
}

fn new_server(arguments: &Arguments) -> Result<NewServer, Stop> {
    let behind = match &arguments.url {
        Some(url) => NewBehind::Url { url: url.clone(), allow_private: arguments.allow_private },
        None => NewBehind::Command {
            command: arguments.command.clone(),
            environment: arguments.environment.iter().map(|text| variable(text)).collect::<Result<_, _>>()?,
            directory: arguments.directory.clone(),
            per_user: arguments.per_user,
        },
    };
    Ok(NewServer {
        name: arguments.name.clone(),
        behind,
        title: arguments.title.clone(),
        scope: arguments.scope.clone(),
        hidden: arguments.hidden.clone(),
    })
}

/// A value that is not written into the command line does not stay in its history.
fn variable(text: &str) -> Result<(String, String), Stop> {
    if let Some((name, value)) = text.split_once('=') {
        return Ok((name.to_owned(), value.to_owned()));
    }
    #[expect(clippy::disallowed_methods, reason = "whoever runs the command names the variable to take over")]
    let value = std::env::var(text);
    value.map(|value| (text.to_owned(), value)).map_err(|_| {
        Stop::usage(format!("--env {text}: there is no such variable here"))
            .hint(format!("set it, or write --env {text}=VALUE"))
    })
}
