//! The person's browser, as this library sees it: something that shows a page.

use crate::authorization::AuthorizationUrl;

/// Shows the login page, and tells the person what happens meanwhile.
pub trait Browser: Send + Sync {
    /// Opens `url`, or shows it to the person. Must not wait until the login is over.
    fn open(&self, url: &AuthorizationUrl) -> Result<(), CannotOpen>;

    /// Tells the person about an event of the login. Nothing has to be done.
    fn tell(&self, notice: &Notice<'_>);
}

/// What a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The server moved to another authorization server since the last login (MCP Authorization Server Binding):
    /// nothing of the old one is shown to the new one.
    AuthorizationServerChanged {
        /// The issuer until now.
        from: &'a str,
        /// The issuer from now on.
        to: &'a str,
    },
    /// The server asks for more scopes than the token has.
    StepUp {
        /// Everything that is asked for now.
        scope: &'a oauth::Scope,
    },
}

/// The login page cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot open a browser: {0}")]
pub struct CannotOpen(pub String);
