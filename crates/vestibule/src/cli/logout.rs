//! `vestibule logout`: has the tokens revoked and forgets them.

use clap::Args;
use client::{LoggedOut, Settings};

use super::{
    exit::Stop,
    mcp_server::{Connection, Server, stopped},
};

/// The arguments of `vestibule logout`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
}

/// Logs out. The tokens are gone here also when the server could not be told, which is then a failure.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let server = &arguments.server;
    let connection = Connection::open(server, Settings::default()).await?;
    let logged_out = connection.client.logout(&connection.server).await;
    match logged_out.map_err(|error| stopped(&error, server))? {
        LoggedOut::NotLoggedIn => eprintln!("not logged in to {}", connection.server),
        LoggedOut::Revoked => eprintln!("logged out of {}", connection.server),
        LoggedOut::NotOffered => {
            eprintln!(
                "logged out of {} here; its server revokes no tokens, they end by themselves",
                connection.server
            );
        }
        LoggedOut::Failed(error) => {
            let message = format!("the tokens are forgotten here, but not revoked at the server: {error}");
            return Err(Stop::failure(message).hint("withdraw the app at the server's own page").into());
        }
    }
    Ok(())
}
