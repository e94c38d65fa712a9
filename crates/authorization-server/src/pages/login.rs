//! Sign in.

use std::time::Duration;

use askama::Template;

use super::client::Client;
use super::destination::Destination;
use super::html;
use super::language::Language;

/// The sign-in page. Posts `username`, `password` and, when a client waits, `transaction` to
/// [`LOGIN_PATH`](super::LOGIN_PATH).
pub struct Login<'a> {
    /// What goes on after signing in; `None` when nothing does.
    pub waiting: Option<Waiting<'a>>,
    /// What was typed as user name the last time, to be corrected rather than typed again; empty at first.
    pub user_name: &'a str,
    /// Why the last attempt failed.
    pub problem: Option<LoginProblem>,
}

/// An authorization request, or a page of ours, that waits for a person.
pub struct Waiting<'a> {
    /// The opaque id of the stored transaction, or the sealed page.
    pub transaction: &'a str,
    /// The client that asks; `None` when somebody signs in for a page of ours.
    pub client: Option<Client<'a>>,
}

/// Why signing in failed, as far as the person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// The pair is wrong. Which of the two is not said, so that nobody can find out which users exist.
    WrongCredentials,
    /// Too many attempts; the next one counts after this time.
    LockedFor(Duration),
}

impl Login<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&LoginTemplate { t: language, view: self })
    }

    fn client(&self) -> Option<&Client<'_>> {
        self.waiting.as_ref()?.client.as_ref()
    }

    /// Whether the fields are to blame; both are, when one may be.
    fn is_wrong(&self) -> bool {
        self.problem == Some(LoginProblem::WrongCredentials)
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate<'a> {
    t: Language,
    view: &'a Login<'a>,
}
