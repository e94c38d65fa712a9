//! How a command ends.

use std::{fmt, process::ExitCode};

/// The exit codes that scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Success,
    /// 1: it failed.
    Failure,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: somebody has to log in, and nobody can: no terminal, no browser.
    LoginRequired,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::LoginRequired => 3,
        })
    }
}

/// A reason to end that knows its exit code and what a person can do about it.
///
/// Any other error ends with [`Exit::Failure`] and no hint.
#[derive(Debug)]
pub(crate) struct Stop {
    exit: Exit,
    message: String,
    hint: Option<String>,
    /// The `[[server]]` that it is about.
    server: Option<String>,
}

impl Stop {
    /// Ends with `exit` because of `message`: lower case, no period.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, server: None }
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// It failed.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// Adds what to do: printed as `hint: …`.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// It is about the `[[server]]` called `name`.
    pub(crate) fn about_server(mut self, name: &str) -> Self {
        self.server = Some(name.to_owned());
        self
    }

    /// The same with the place of the server that it is about, as `find` finds it by name, before the message.
    pub(crate) fn located(mut self, find: impl FnOnce(&str) -> Option<String>) -> Self {
        if let Some(place) = self.server.take().and_then(|name| find(&name)) {
            self.message = format!("{place}: {}", self.message);
        }
        self
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Stop {}

/// Tells a person on stderr why a command ended, and gives the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    if let Some(hint) = hint(error) {
        eprintln!("hint: {hint}");
    }
    error.downcast_ref::<Stop>().map_or(Exit::Failure, |stop| stop.exit).into()
}

/// What a person can do about an error.
pub(crate) fn hint(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Stop>()?.hint.as_deref()
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_exit_code_survives_context() {
        let error = Err::<(), _>(Stop::usage("no")).context("while reading").unwrap_err();
        assert_eq!(report(&error), ExitCode::from(2));
        assert_eq!(report(&anyhow::anyhow!("other")), ExitCode::from(1));
    }
}
