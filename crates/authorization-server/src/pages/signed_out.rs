//! After signing out.

use askama::Template;

use super::html;
use super::language::Language;

/// The page after signing out without a client waiting.
pub struct SignedOut;

impl SignedOut {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&SignedOutTemplate { t: language })
    }
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutTemplate {
    t: Language,
}
