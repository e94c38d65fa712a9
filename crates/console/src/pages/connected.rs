//! After connecting: which account, and back to where it was needed.

use askama::Template;
use authorization_server::pages::{Language, NAME_LIMIT, plain_text};

use super::{Asker, html, words::Words};

/// The page that says that an account is connected. Its script closes the window after a countdown; without it the page
/// says that the window can be closed.
pub struct Connected<'a> {
    /// What people call the provider.
    pub provider: &'a str,
    /// What the account is called there, where that could be found out.
    pub account: Option<&'a str>,
    /// What was asked for and not allowed, separated by spaces; empty when nothing is missing.
    pub missing: &'a str,
    /// Who asked; `None` when the person began it themselves.
    pub asker: Option<&'a Asker>,
}

impl Connected<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&ConnectedTemplate { t: Words(language), view: self })
    }

    /// The app's web site; nothing leads to one that nobody vouches for.
    fn site(&self) -> Option<&str> {
        self.asker.filter(|asker| asker.verified).and_then(Asker::site)
    }

    fn account(&self) -> Option<String> {
        self.account.map(|name| plain_text(name, NAME_LIMIT)).filter(|name| !name.is_empty())
    }
}

#[derive(Template)]
#[template(path = "connected.html")]
struct ConnectedTemplate<'a> {
    t: Words,
    view: &'a Connected<'a>,
}
