//! `vestibule tools`: lists the tools of an MCP server.

use std::io::stdout;

use clap::Args;
use client::Session;

use super::{
    mcp_server::{Connection, LoginOptions, Server, stopped},
    printing,
    terminal_browser::TerminalBrowser,
};

/// The arguments of `vestibule tools`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Print the tools as a JSON array, as the server describes them.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: LoginOptions,
}

/// Lists the tools, after a login if one is needed and possible.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { server, json, options } = &arguments;
    let connection = Connection::open(server, options.settings()?).await?;
    let browser = TerminalBrowser::find(options.no_browser);
    let mut session = Session::new(
        &connection.client,
        connection.server.clone(),
        Connection::implementation(),
        browser.as_ref().map_or(client::Login::Never, |browser| client::Login::Person(browser)),
    );
    let tools = session.list_tools().await.map_err(|error| stopped(&error, server))?;
    session.close().await;
    let printed =
        if *json { printing::json(&mut stdout(), &tools) } else { printing::tools(&mut stdout(), &tools) };
    Ok(printed?)
}
