//! A client as the pages show it: name, portrait, destination.

use super::destination::Destination;
use super::plain_text::{NAME_LIMIT, plain_text};

/// The client that asks.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    /// `client_name` as registered. Anybody can register any text; the pages show what is safe of it.
    pub unverified_name: &'a str,
    /// Whether the operator vouches for the client (never because of anything the client says of itself).
    pub verified: bool,
    /// Where the redirect URI of this request leads.
    pub destination: Destination,
}

impl Client<'_> {
    /// The name to show; where nothing of it can be seen, the destination.
    pub fn name(&self) -> String {
        let name = plain_text(self.unverified_name, NAME_LIMIT);
        if name.is_empty() { self.destination.label() } else { name }
    }

    /// The letter of the portrait: the first letter or digit of the name.
    pub fn initial(&self) -> String {
        let name = self.name() + &self.destination.label();
        name.chars()
            .find(|character| character.is_alphanumeric())
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// The class of the portrait in the stylesheet: the same host always has the same tint.
    pub fn tint(&self) -> String {
        format!("tint-{}", self.destination.tint())
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Destination};

    #[track_caller]
    fn check(unverified_name: &str, name: &str, initial: &str) {
        let destination = Destination::Host { host: "claude.ai".to_owned(), internationalised: false };
        let client = Client { unverified_name, verified: false, destination };
        assert_eq!((client.name().as_str(), client.initial().as_str()), (name, initial));
    }

    #[test]
    fn name_and_initial() {
        check("cursor", "cursor", "C");
        check("编辑器", "编辑器", "编");
        check("<img src=x>", "<img src=x>", "I");
        check("\u{202e}\u{200b} ", "claude.ai", "C");
        check("***", "***", "C");
    }
}
