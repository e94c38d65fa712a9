//! Consent: who asks, for what, where it goes, how to undo it.

use std::time::Duration;

use askama::Template;

use super::client::Client;
use super::destination::Destination;
use super::html;
use super::language::Language;
use super::plain_text::{CODE_LIMIT, NAME_LIMIT, SENTENCE_LIMIT, plain_text};

/// The consent page. Posts `transaction` and `decision` (`allow` or `deny`) to
/// [`CONSENT_PATH`](super::CONSENT_PATH); "not you?" posts `transaction` to [`LOGOUT_PATH`](super::LOGOUT_PATH).
pub struct Consent<'a> {
    /// The opaque id of the stored transaction. All that is decided here stands in the transaction, not in the form.
    pub transaction: &'a str,
    /// The client that asks.
    pub client: Client<'a>,
    /// The user who is signed in and whose account the client would use.
    pub user_name: &'a str,
    /// What the operator calls the MCP server.
    pub server_name: &'a str,
    /// The resource indicator of the MCP server (RFC 8707).
    pub resource: &'a str,
    /// The scopes that are asked for. Those with [`ScopeLine::already_allowed`] make this an additional request.
    pub scopes: &'a [ScopeLine<'a>],
    /// How long the permission lasts.
    pub lifetime: Lifetime,
    /// The page where the person can withdraw the permission later, as a path on this server (`/grants`); `None`
    /// when there is no such page, then the operator is named instead.
    pub withdraw_path: Option<&'a str>,
}

/// One scope, in the words of the caller.
#[derive(Clone, Debug)]
pub struct ScopeLine<'a> {
    /// The scope token (RFC 6749 §3.3).
    pub scope: &'a str,
    /// What it permits, as a sentence in the person's language; `None` for a scope nobody has described, which is
    /// then shown verbatim.
    pub description: Option<&'a str>,
    /// Whether it permits to change or delete something.
    pub changes: bool,
    /// Whether the person has allowed it to this client before.
    pub already_allowed: bool,
}

/// How long a permission lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// This long from now, whatever happens (no refresh token).
    For(Duration),
    /// Until withdrawn, but no longer than this after the app last used it (refresh token).
    WhileUsedWithin(Duration),
}

impl Consent<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&ConsentTemplate { t: language, view: self })
    }

    fn user_name(&self) -> String {
        plain_text(self.user_name, NAME_LIMIT)
    }

    fn resource(&self) -> String {
        plain_text(self.resource, CODE_LIMIT)
    }

    /// AZ-21: a request for more than before says so, and which part is new.
    fn is_additional(&self) -> bool {
        self.scopes.iter().any(|line| line.already_allowed)
    }

    /// The scopes of one of the two lists.
    fn scopes_where(&self, already_allowed: bool) -> Vec<&ScopeLine<'_>> {
        self.scopes.iter().filter(|line| line.already_allowed == already_allowed).collect()
    }
}

impl ScopeLine<'_> {
    /// Whether it is the one scope that means the same everywhere (OpenID Connect Core §11).
    fn is_offline_access(&self) -> bool {
        self.scope == crate::metadata::OFFLINE_ACCESS
    }

    /// The sentence to show, if there is anything to be seen in it.
    fn sentence(&self) -> Option<String> {
        self.description.map(|text| plain_text(text, SENTENCE_LIMIT)).filter(|text| !text.is_empty())
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    t: Language,
    view: &'a Consent<'a>,
}
