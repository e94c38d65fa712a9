//! Another account than before: nothing is exchanged silently (UP-15).

use askama::Template;
use authorization_server::pages::{Language, NAME_LIMIT, plain_text};

use super::{html, words::Words};

/// The page that asks what to do with an account that is not the one from before. Posts `e` and `choice` to
/// [`ACCOUNT_PATH`](super::ACCOUNT_PATH).
pub struct AccountChanged<'a> {
    /// The connect request.
    pub id: &'a str,
    /// What people call the provider.
    pub provider: &'a str,
    /// What the account is called that is connected.
    pub former: Option<&'a str>,
    /// What the account is called that would be.
    pub received: Option<&'a str>,
}

impl AccountChanged<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&AccountTemplate { t: Words(language), view: self })
    }

    fn former(&self) -> Option<String> {
        name(self.former)
    }

    fn received(&self) -> Option<String> {
        name(self.received)
    }

    /// The choices: value, and the key of what it says.
    fn choices() -> [(&'static str, &'static str); 3] {
        [("replace", "account-replace"), ("keep", "account-keep"), ("cancel", "account-cancel")]
    }
}

fn name(account: Option<&str>) -> Option<String> {
    account.map(|account| plain_text(account, NAME_LIMIT)).filter(|name| !name.is_empty())
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate<'a> {
    t: Words,
    view: &'a AccountChanged<'a>,
}

/// The key of what a choice means.
fn meaning_of(choice: &str) -> String {
    format!("{choice}-meaning")
}
