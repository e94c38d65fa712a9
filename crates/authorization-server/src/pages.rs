//! The pages people meet: sign in, consent, set-up, errors. Pure rendering, from a view to HTML.
//!
//! Each page is a *view*, a struct that holds all that the page says, and `view.render(language)` returns the
//! document. Nothing here reads a request, a record or a clock. Three rules hold for every page:
//!
//! 1. A stranger's text (a client's name above all) is inert. Askama escapes whatever a template prints, and
//!    inside a sentence only [`sentence`] puts markup around a value, after escaping it. Characters nobody can see
//!    or that turn the direction of the text are dropped first ([`plain_text`]).
//! 2. The words are in `messages/*.ftl`, none in the code or the templates.
//! 3. A page needs nothing but its stylesheet: no script, no inline style, no image from elsewhere. The content
//!    security policy that fits is [`CONTENT_SECURITY_POLICY`], plus the `form-action` of the page at hand.
//!
//! Pages of other crates stand beside these: they extend `templates/layout.html`, have their own [`Catalogues`], and
//! keep the same rules, which the feature `rules` holds them to ([`rules`]).

mod assets;
mod client;
mod consent;
mod destination;
mod error;
mod home;
mod language;
mod leave;
mod login;
mod onward;
mod plain_text;
#[cfg(any(test, feature = "rules"))]
pub mod rules;
mod sentence;
mod set_up;
mod signed_out;

#[cfg(test)]
mod tests;

pub use assets::{Asset, asset, assets_router};
pub use client::Client;
pub use consent::{Consent, Lifetime, ScopeLine};
pub use destination::Destination;
pub use error::{ErrorKind, ErrorPage};
pub use home::{Home, HomeServer};
pub use language::Language;
pub use leave::Leave;
pub use login::{Login, LoginProblem, Waiting};
pub use onward::Onward;
pub use plain_text::{CODE_LIMIT, NAME_LIMIT, SENTENCE_LIMIT, plain_text};
pub use sentence::{Catalogues, Sentence};
pub use set_up::{Occasion, SetUp, SetUpDone, SetUpProblem, UserName};
pub use signed_out::SignedOut;

/// Where the sign-in form posts to: `username`, `password`, and `transaction` when a client waits.
pub const LOGIN_PATH: &str = "/login";
/// Where the consent form posts to: `transaction`, and `decision` with the value `allow` or `deny`.
pub const CONSENT_PATH: &str = "/consent";
/// Where "not you?" posts to: `transaction`.
pub const LOGOUT_PATH: &str = "/logout";
/// Where the set-up form posts to: `token`, `username`, `password`, `password_again`.
pub const SET_UP_PATH: &str = "/set-up";

/// What every page needs of the content security policy. The sender appends `; form-action …`: which addresses a
/// form may lead to, redirects included, depends on the client that waits.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Where the person finds their connections to third parties: a page of the console, to which the front page leads.
pub const CONNECTIONS_PATH: &str = "/connections";

/// The asset of this file name as a page refers to it.
pub fn asset_reference(name: &str) -> &'static str {
    relative(assets::url(name))
}

/// A path of ours as a page refers to it. All pages stand side by side, wherever the issuer's path puts them, so
/// the reference is relative.
pub fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// The document of a template.
fn html(template: &impl askama::Template) -> String {
    template.render().expect("our templates have no fallible filter, and writing to a String cannot fail")
}
