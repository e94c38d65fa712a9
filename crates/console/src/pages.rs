//! The pages of the console. Pure rendering, from a view to HTML, by the rules of [`authorization_server::pages`]: the
//! layout, the stylesheet and the icons are the same, the words stand in this crate's `messages/*.ftl`.

mod account;
mod asker;
mod connect;
mod connected;
mod connections;
mod outcome;
mod words;

#[cfg(test)]
mod tests;

// What the layout names.
pub use authorization_server::pages::CONNECTIONS_PATH;
use authorization_server::pages::{LOGOUT_PATH, asset_reference, relative};

pub use account::AccountChanged;
pub use asker::Asker;
pub use connect::{Connect, Entry, Problem, Reason, ScopeLine, Waits};
pub use connected::Connected;
pub use connections::{Connections, Moment, Row, Service};
pub use outcome::{Outcome, OutcomeKind};

/// Where a person connects: `e` names the connect request. Posts `e` and `decision` (`allow` or `deny`), and where a
/// secret is entered `username` and `secret`.
pub const CONNECT_PATH: &str = "/connect";
/// Where the page about another account posts to: `e` and `choice` (`replace`, `keep` or `cancel`).
pub const ACCOUNT_PATH: &str = "/connect-account";

/// The document of a template.
fn html(template: &impl askama::Template) -> String {
    template.render().expect("our templates have no fallible filter, and writing to a String cannot fail")
}
