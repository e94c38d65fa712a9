//! The front page: which MCP servers are behind this door.

use askama::Template;

use super::{Language, html};
use crate::pages::plain_text::{CODE_LIMIT, NAME_LIMIT, plain_text};

/// The front page, for somebody who opened the address in a browser.
pub struct Home<'a> {
    /// The MCP servers, in the operator's order.
    pub servers: &'a [HomeServer<'a>],
    /// Who is signed in, if anybody is.
    pub user_name: Option<&'a str>,
}

/// One MCP server.
#[derive(Clone, Copy, Debug)]
pub struct HomeServer<'a> {
    /// What the operator calls it.
    pub name: &'a str,
    /// The address an app is given.
    pub address: &'a str,
}

impl Home<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&HomeTemplate { t: language, view: self })
    }

    fn user_name(&self) -> Option<String> {
        self.user_name.map(|name| plain_text(name, NAME_LIMIT))
    }
}

impl HomeServer<'_> {
    fn name(&self) -> String {
        plain_text(self.name, NAME_LIMIT)
    }

    fn address(&self) -> String {
        plain_text(self.address, CODE_LIMIT)
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomeTemplate<'a> {
    t: Language,
    view: &'a Home<'a>,
}
