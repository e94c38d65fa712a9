//! Where a link or an answer leads nowhere: what happened, what it means, what to do.

use askama::Template;
use authorization_server::pages::Language;

use super::{html, words::Words};

/// A page that ends something.
pub struct Outcome<'a> {
    /// What happened.
    pub kind: OutcomeKind<'a>,
    /// The transaction with which somebody else signs in and comes back here; for [`OutcomeKind::OtherUser`].
    pub transaction: Option<&'a str>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind<'a> {
    /// The link is another user's (UP-07).
    OtherUser {
        /// Who is signed in.
        user_name: &'a str,
    },
    /// The link is unknown or too old.
    Closed,
    /// The person did not want to.
    Declined {
        /// What people call the provider.
        provider: &'a str,
    },
    /// The provider's answer is being worked on; the page looks again by itself.
    Working {
        /// What people call the provider.
        provider: &'a str,
    },
    /// An answer that belongs to nothing that this browser has begun, or not any more (UP-09, UP-10).
    Unused,
}

impl Outcome<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&OutcomeTemplate { t: Words(language), view: self })
    }

    fn key(&self, part: &str) -> String {
        let stem = match self.kind {
            OutcomeKind::OtherUser { .. } => "outcome-other-user",
            OutcomeKind::Closed => "outcome-closed",
            OutcomeKind::Declined { .. } => "outcome-declined",
            OutcomeKind::Working { .. } => "outcome-working",
            OutcomeKind::Unused => "outcome-unused",
        };
        format!("{stem}-{part}")
    }

    /// Whether the page is to be loaded again.
    fn looks_again(&self) -> bool {
        matches!(self.kind, OutcomeKind::Working { .. })
    }

    fn user_name(&self) -> &str {
        match self.kind {
            OutcomeKind::OtherUser { user_name } => user_name,
            _ => "",
        }
    }

    fn provider(&self) -> &str {
        match self.kind {
            OutcomeKind::Declined { provider } | OutcomeKind::Working { provider } => provider,
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "outcome.html")]
struct OutcomeTemplate<'a> {
    t: Words,
    view: &'a Outcome<'a>,
}
