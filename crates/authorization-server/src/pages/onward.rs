//! On the way back to the client, after the person has answered.
//!
//! Browsers hold `form-action` against every redirect that follows a form, those of the client's own servers too. This
//! page ends what the form began, and goes on by itself as a page does that was opened from a link (decision 0034).

use askama::Template;

use super::client::Client;
use super::destination::Destination;
use super::html;
use super::language::Language;

/// The page that leads on to a client at once, without a script. For whoever it does not lead on it has a link, which
/// appears late: on the way already, a click would send the code a second time.
pub struct Onward<'a> {
    /// The client that is gone back to.
    pub client: Client<'a>,
    /// The client's redirect URI (`https`, or `http` on this computer) with the parameters of the response: it holds
    /// the code, so the page is nobody's to keep.
    pub return_uri: &'a str,
}

impl Onward<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&OnwardTemplate { t: language, view: self })
    }

    fn is_on_this_computer(&self) -> bool {
        matches!(self.client.destination, Destination::ThisComputer { .. })
    }
}

#[derive(Template)]
#[template(path = "onward.html")]
struct OnwardTemplate<'a> {
    t: Language,
    view: &'a Onward<'a>,
}
