//! The command line. Each command is a module with its `Arguments` and a `run` that does the work; what goes
//! wrong is an [`anyhow::Error`], and a [`exit::Stop`] in it decides the exit code and the hint.
//!
//! Manners: data on stdout, everything else on stderr; lower case, no period; `hint:` where it helps.

mod access_key;
mod audit;
mod call;
mod client;
mod conformance_client;
mod connection;
pub(crate) mod exit;
mod keyring;
mod lock;
mod login;
mod logout;
mod mcp_server;
mod openapi;
mod policy;
mod printing;
mod serve;
mod server;
mod terminal_browser;
mod tools;
mod user;

use clap::{Parser, Subcommand};

/// OAuth for AI agents: authorization server, MCP gateway and client in one binary.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Arguments),
    /// Manage the MCP servers behind the gateway.
    Server(server::Arguments),
    /// Make tools of a REST API that an OpenAPI document describes.
    Openapi(openapi::Arguments),
    /// Approve what servers say about their tools, and see what has changed since.
    Lock(lock::Arguments),
    /// Manage the people who can sign in.
    User(user::Arguments),
    /// Manage the clients that are registered by hand.
    Client(client::Arguments),
    /// Manage the accounts that people have connected.
    Connection(connection::Arguments),
    /// Manage the keys of clients that sign requests instead of carrying tokens.
    AccessKey(access_key::Arguments),
    /// Rotate the keys that seal what the database keeps.
    Keyring(keyring::Arguments),
    /// Read the audit log and check that nobody changed it.
    Audit(audit::Arguments),
    /// Say why somebody may do something, and try other rules on what was done.
    Policy(policy::Arguments),
    /// Log in at an MCP server and keep the tokens.
    Login(login::Arguments),
    /// List the tools of an MCP server.
    Tools(tools::Arguments),
    /// Call a tool of an MCP server.
    Call(call::Arguments),
    /// Give back the tokens of an MCP server.
    Logout(logout::Arguments),
    /// Be the client that the MCP conformance suite drives.
    #[command(hide = true)]
    ConformanceClient(conformance_client::Arguments),
}

impl CommandLine {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Server(arguments) => alone(server::run(arguments)),
            Command::Openapi(arguments) => alone(openapi::run(arguments)),
            Command::Lock(arguments) => alone(lock::run(arguments)),
            Command::User(arguments) => alone(user::run(arguments)),
            Command::Client(arguments) => alone(client::run(arguments)),
            Command::Connection(arguments) => alone(connection::run(arguments)),
            Command::AccessKey(arguments) => alone(access_key::run(arguments)),
            Command::Keyring(arguments) => alone(keyring::run(arguments)),
            Command::Audit(arguments) => alone(audit::run(arguments)),
            Command::Policy(arguments) => alone(policy::run(arguments)),
            Command::Login(arguments) => alone(login::run(arguments)),
            Command::Tools(arguments) => alone(tools::run(arguments)),
            Command::Call(arguments) => alone(call::run(arguments)),
            Command::Logout(arguments) => alone(logout::run(arguments)),
            Command::ConformanceClient(arguments) => alone(conformance_client::run(arguments)),
        }
    }
}

/// Runs a command that does one thing: one thread is enough.
fn alone(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
