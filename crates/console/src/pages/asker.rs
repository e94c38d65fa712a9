//! Who asks a person to connect.

use authorization_server::{
    App,
    pages::{Client, Destination, NAME_LIMIT, plain_text},
};

/// The app whose call waits, or nobody: then it is the person who began.
#[derive(Debug, Clone)]
pub struct Asker {
    name: String,
    /// The letter and the class of its portrait, when it has an address of which to make them.
    portrait: Option<(String, String)>,
    /// Whether the operator vouches for it; never because of anything it says of itself.
    pub verified: bool,
    /// Where its redirect URI leads, if that is known.
    pub destination: Option<Destination>,
}

impl Asker {
    /// The app as it is registered here, or only as it called itself.
    pub fn of(app: Option<&App>, unverified_name: &str) -> Self {
        let Some(App { unverified_name, verified, destination: Some(destination) }) = app else {
            let unverified_name = app.map_or(unverified_name, |app| &app.unverified_name);
            let name = plain_text(unverified_name, NAME_LIMIT);
            return Self { name, portrait: None, verified: false, destination: None };
        };
        let client = Client { unverified_name, verified: *verified, destination: destination.clone() };
        Self {
            name: client.name(),
            portrait: Some((client.initial(), client.tint())),
            verified: *verified,
            destination: Some(destination.clone()),
        }
    }

    /// The name to show.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn portrait(&self) -> Option<&(String, String)> {
        self.portrait.as_ref()
    }

    /// The app's web site, where it has one that can be led back to. What it registered is a URI on exactly this host.
    pub(super) fn site(&self) -> Option<&str> {
        match &self.destination {
            Some(Destination::Host { host, .. }) => Some(host),
            _ => None,
        }
    }
}
