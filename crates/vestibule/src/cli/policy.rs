//! `vestibule policy`: why somebody may do something, and what other rules would have changed.

mod explain;
mod replay;

use gateway::{
    BuiltInServer,
    policy::{Decision, Outcome, ServerPolicy},
};

use super::exit::Stop;
use crate::config::{
    Configuration,
    server::{Behind, ServerKind},
};

/// `vestibule policy`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether somebody may use a tool, and which rules say so.
    Explain(Box<explain::Arguments>),
    /// Decide the calls of the audit log again with another configuration, and show what would be different.
    Replay(replay::Arguments),
}

/// Runs a `vestibule policy` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Explain(arguments) => explain::run(&arguments).await,
        Command::Replay(arguments) => replay::run(&arguments).await,
    }
}

/// The policy that the gateway would have for its server called `name`.
fn policy_of(configuration: &Configuration, name: &str) -> anyhow::Result<Option<ServerPolicy>> {
    let Some(server) = configuration.servers.iter().find(|server| server.name == name) else {
        return Ok(None);
    };
    let policy = &configuration.policy;
    Ok(Some(match server.behind()? {
        Behind::Demo => ServerPolicy::complete(name, BuiltInServer::demo_tools(), policy),
        Behind::Remote(remote) => ServerPolicy::new(name, remote.tools, policy),
        // What is asked of it is decided at the servers that it joins.
        Behind::Virtual(_) => return Ok(None),
    }))
}

/// The same for a server that must be there.
fn existing_policy(configuration: &Configuration, name: &str) -> anyhow::Result<ServerPolicy> {
    let deciding = configuration.servers.iter().filter(|server| server.kind != ServerKind::Virtual);
    let names: Vec<_> = deciding.map(|server| &*server.name).collect();
    policy_of(configuration, name)?.ok_or_else(|| {
        let hint =
            format!("the configuration has {}; a virtual server leaves it to its members", names.join(", "));
        Stop::usage(format!("there is no server {name:?} that decides")).hint(hint).into()
    })
}

/// A decision in words: what, by which rule, and why.
struct Told {
    verdict: &'static str,
    rule: Option<String>,
    because: Option<String>,
}

impl Told {
    fn of(decision: &Decision<'_>) -> Self {
        let told = |verdict, rule: &str, because| Self { verdict, rule: Some(rule.to_owned()), because };
        match decision {
            Decision::Allow(rule) => told("allowed", rule, None),
            Decision::Challenge(needed) => {
                told("denied", "scope", Some(format!("the token needs the scope {:?}", needed.to_string())))
            }
            Decision::Deny(denial) => {
                let failed = denial.failure.as_ref().map(|why| format!("its condition fails: {why}"));
                told("denied", denial.rule, failed)
            }
            Decision::Hidden => {
                Self { verdict: "denied", rule: None, because: Some("it is hidden".to_owned()) }
            }
            Decision::Open(rule, what) => told("open", rule, Some(format!("depends on {what}"))),
        }
    }
}

/// Whether a rule is about a question, and why or why not.
fn outcome(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Matches => ("yes", String::new()),
        Outcome::Differs(difference) => ("no", difference.to_string()),
        Outcome::Open(what) => ("open", format!("depends on {what}")),
        Outcome::Failed(why) => ("failed", why.clone()),
    }
}
