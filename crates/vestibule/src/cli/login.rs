//! `vestibule login`: signs the person in at an MCP server and keeps the tokens.

use clap::Args;
use client::Session;

use super::{
    exit::{Exit, Stop},
    mcp_server::{Connection, LoginOptions, Server, stopped},
    terminal_browser::TerminalBrowser,
};

/// The arguments of `vestibule login`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    options: LoginOptions,
}

/// Logs in, whether or not there are tokens already.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { server, options } = &arguments;
    let browser = TerminalBrowser::find(options.no_browser).ok_or_else(|| {
        Stop::new(Exit::LoginRequired, "nobody can log in here: there is no terminal and no BROWSER")
            .hint("set BROWSER to a command, or add --no-browser to print the page's URL")
    })?;
    let connection = Connection::open(server, options.settings()?).await?;
    let login = async {
        let mut session = Session::new(
            &connection.client,
            connection.server.clone(),
            Connection::implementation(),
            client::Login::Person(&browser),
        );
        let Some(challenge) = session.challenge().await? else { return Ok(None) };
        let tokens = connection.client.login(&connection.server, Some(&challenge), None, &browser).await?;
        Ok(Some(tokens.scope))
    };
    match login.await.map_err(|error| stopped(&error, server))? {
        None => eprintln!("{} asks for no login", connection.server),
        Some(scope) if scope.is_empty() => eprintln!("logged in to {}", connection.server),
        Some(scope) => eprintln!("logged in to {} with the scopes {scope}", connection.server),
    }
    Ok(())
}
