//! Before a failed request sends somebody to an unverified client.
//!
//! RFC 9700 §4.11.2: an authorization server that redirects on errors without asking is an open redirector for
//! anybody who registers a client and then sends a bad request on purpose.

use askama::Template;
use url::Url;

use super::client::Client;
use super::html;
use super::language::Language;
use super::plain_text::{SENTENCE_LIMIT, plain_text};

/// The page that asks before it lets somebody go back to a client that nobody vouches for.
pub struct Leave<'a> {
    /// The client whose request failed.
    pub client: Client<'a>,
    /// The client's redirect URI with the error parameters (RFC 6749 §4.1.2.1), already checked to be the client's.
    pub return_uri: &'a Url,
    /// The error that the client is told: the standard's code, such as `invalid_scope`.
    pub error: &'a str,
}

/// Schemes that run or show something in the browser itself. A redirect URI never has one; should a record be
/// wrong, this page still gives no such link.
const INERT_SCHEMES: [&str; 6] = ["javascript", "data", "vbscript", "blob", "file", "about"];

impl Leave<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&LeaveTemplate { t: language, view: self })
    }

    fn link(&self) -> Option<&str> {
        (!INERT_SCHEMES.contains(&self.return_uri.scheme())).then(|| self.return_uri.as_str())
    }

    fn error(&self) -> String {
        plain_text(self.error, SENTENCE_LIMIT)
    }
}

#[derive(Template)]
#[template(path = "leave.html")]
struct LeaveTemplate<'a> {
    t: Language,
    view: &'a Leave<'a>,
}
