//! A server that is a program on this machine.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use gateway::{Sharing, StdioSettings};
use secret::Secret;
use serde::{Deserialize, Deserializer};

use super::{AllowPrivate, Server};
use crate::cli::exit::Stop;

/// The variables of a process. They are where such servers expect their keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(pub(crate) Arc<BTreeMap<String, Secret<String>>>);

/// How a process is started and who shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// What its environment has beside `PATH` and `LANG`.
    pub(crate) environment: Environment,
    /// Where it runs.
    pub(crate) directory: Option<PathBuf>,
    /// Who shares it.
    pub(crate) sharing: Sharing,
}

impl Server {
    pub(super) fn process(&self) -> Result<Process, Stop> {
        if self.command.first().is_none_or(String::is_empty) {
            return Err(self
                .mistake("has no command")
                .hint("write the program and its arguments as a list: command = [\"npx\", \"-y\", \"…\"]"));
        }
        if self.url.is_some() || self.transport.is_some() || self.allow_private != AllowPrivate::default() {
            return Err(self.mistake("is a process, and a url has no place there"));
        }
        if self.processes == 0 {
            return Err(self.mistake("may have no process"));
        }
        if self.names_user() && !self.per_user {
            return Err(self
                .mistake("is one process for all, and {user} would be none of them")
                .hint("write per_user = true for a process for each user"));
        }
        let sharing = if self.per_user {
            Sharing::EachUser { idle: self.idle, at_most: self.processes }
        } else {
            Sharing::Everybody
        };
        Ok(Process {
            command: self.command.clone(),
            environment: self.environment.clone(),
            directory: self.directory.clone(),
            sharing,
        })
    }

    /// Whether arguments or variables are different for every user.
    fn names_user(&self) -> bool {
        let mut values = self.environment.0.values().map(Secret::expose);
        self.command.iter().any(|argument| argument.contains(StdioSettings::USER))
            || values.any(|value| value.contains(StdioSettings::USER))
    }

    /// Whether anything is said that only a process has.
    pub(super) fn has_process(&self) -> bool {
        !self.command.is_empty()
            || !self.environment.0.is_empty()
            || self.directory.is_some()
            || self.per_user
    }
}

impl PartialEq for Environment {
    fn eq(&self, other: &Self) -> bool {
        let exposed = |environment: &Self| -> Vec<_> {
            environment.0.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect()
        };
        exposed(self) == exposed(other)
    }
}

impl Eq for Environment {}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let variables = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(Self(Arc::new(variables.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())))
    }
}

pub(super) fn idle() -> Duration {
    Duration::from_mins(10)
}

pub(super) fn processes() -> usize {
    32
}
