//! Connections: per provider the accounts, what they allow, when they were used, how to end them.

use std::time::Duration;

use askama::Template;
use authorization_server::pages::{CODE_LIMIT, Language, NAME_LIMIT, plain_text};

use super::{html, words::Words};

/// The page of somebody's connections. Posts `action` (`connect`, `reconnect`, `choose`, `disconnect`) with `provider` or
/// `connection` and perhaps `team` to [`CONNECTIONS_PATH`](super::CONNECTIONS_PATH).
pub struct Connections<'a> {
    /// Every provider, first for the person, then for the teams that they manage.
    pub services: &'a [Service<'a>],
    /// Who is signed in.
    pub user_name: &'a str,
}

/// A provider and the accounts there, of one owner.
#[derive(Debug)]
pub struct Service<'a> {
    /// Our name of it.
    pub name: &'a str,
    /// What people call it.
    pub title: &'a str,
    /// The team that shares the accounts; `None` for one's own.
    pub team: Option<&'a str>,
    /// Whether an account can be connected to it now.
    pub is_connectable: bool,
    /// The connections to it.
    pub rows: Vec<Row<'a>>,
}

/// A connection.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// What the account is called, where that could be found out.
    pub account: Option<&'a str>,
    /// What the provider allowed.
    pub scopes: Vec<&'a str>,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub used: Option<Moment>,
    /// Whether its credential can be used.
    pub works: bool,
    /// Whether it is the one of several that is used.
    pub is_chosen: bool,
}

/// A moment in the past, as people are told of it.
#[derive(Debug, Clone)]
pub struct Moment {
    /// How long ago.
    pub ago: Duration,
    /// Exactly, in RFC 3339.
    pub exact: String,
}

impl Connections<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&ConnectionsTemplate { t: Words(language), view: self })
    }

    fn user_name(&self) -> String {
        plain_text(self.user_name, NAME_LIMIT)
    }
}

impl Service<'_> {
    fn title(&self) -> String {
        plain_text(self.title, NAME_LIMIT)
    }
}

impl Row<'_> {
    fn account(&self) -> Option<String> {
        self.account.map(|account| plain_text(account, NAME_LIMIT)).filter(|name| !name.is_empty())
    }

    fn scopes(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| plain_text(scope, CODE_LIMIT)).collect()
    }
}

#[derive(Template)]
#[template(path = "connections.html")]
struct ConnectionsTemplate<'a> {
    t: Words,
    view: &'a Connections<'a>,
}
