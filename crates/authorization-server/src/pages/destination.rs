//! Where a redirect URI leads, as a person should be told.

use oauth::RedirectUri;

/// How many tints the stylesheet has for the portraits of clients: the classes `tint-0`, `tint-1` and so on.
pub(super) const TINTS: u32 = 8;

/// Where the browser goes, with the answer, when the person has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A host on the network.
    Host {
        /// The host in its ASCII form (RFC 5890 A-labels), with the port when it is not the scheme's own.
        host: String,
        /// Whether a label is the coded form of other letters, which may imitate a name the person knows.
        internationalised: bool,
    },
    /// A loopback address: whatever program listens there on the person's own computer (RFC 8252 §7.3).
    ThisComputer {
        /// The host as registered, without the port, which changes each time.
        host: String,
    },
    /// A private-use URI scheme: the program that has claimed it on the person's own device (RFC 8252 §7.1).
    Program {
        /// The scheme, without its colon.
        scheme: String,
    },
}

impl Destination {
    /// Where `redirect_uri` leads.
    pub fn of(redirect_uri: &RedirectUri) -> Self {
        let destination = redirect_uri.destination().to_owned();
        if redirect_uri.is_loopback() {
            Self::ThisComputer { host: redirect_uri.consent_host().to_owned() }
        } else if redirect_uri.is_web() {
            Self::Host { host: destination, internationalised: redirect_uri.is_internationalised() }
        } else {
            Self::Program { scheme: destination }
        }
    }

    /// The host, or the scheme with its colon.
    pub fn label(&self) -> String {
        match self {
            Self::Host { host, .. } | Self::ThisComputer { host } => host.clone(),
            Self::Program { scheme } => format!("{scheme}:"),
        }
    }

    /// The tint of the portrait, below [`TINTS`]. The same host always has the same tint (FNV-1a).
    pub(super) fn tint(&self) -> u32 {
        let hash = self
            .label()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash % TINTS
    }
}

#[cfg(test)]
mod tests {
    use oauth::RedirectUri;

    use super::{Destination, TINTS};

    fn of(redirect_uri: &str) -> Destination {
        Destination::of(&RedirectUri::parse(redirect_uri).unwrap())
    }

    #[test]
    fn hosts_on_the_network() {
        let plain = |host: &str| Destination::Host { host: host.to_owned(), internationalised: false };
        assert_eq!(of("https://claude.ai/api/mcp/auth_callback"), plain("claude.ai"));
        assert_eq!(of("https://claude.ai:8443/cb"), plain("claude.ai:8443"));
        assert_eq!(of("https://localhost.evil.example/cb"), plain("localhost.evil.example"));
        assert_eq!(of("https://127.0.0.1.evil.example/cb"), plain("127.0.0.1.evil.example"));
        assert_eq!(of("https://[2001:db8::1]/cb"), plain("[2001:db8::1]"));
    }

    #[test]
    fn internationalised_hosts_are_shown_in_their_ascii_form() {
        let expected = Destination::Host { host: "xn--pple-43d.com".to_owned(), internationalised: true };
        assert_eq!(of("https://xn--pple-43d.com/cb"), expected);
    }

    #[test]
    fn loopback_is_this_computer() {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            assert_eq!(
                of(&format!("http://{host}:51234/cb")),
                Destination::ThisComputer { host: host.to_owned() }
            );
        }
    }

    #[test]
    fn private_use_schemes_lead_to_a_program() {
        assert_eq!(of("cursor://anysphere.cursor-mcp/oauth/callback").label(), "cursor:");
        assert_eq!(of("com.example.app:/oauth2redirect").label(), "com.example.app:");
    }

    #[test]
    fn the_tint_depends_on_the_host_alone_and_exists() {
        assert_eq!(of("https://claude.ai/a").tint(), of("https://claude.ai/b").tint());
        let tints: Vec<u32> = (0..64).map(|n| of(&format!("https://{n}.example/")).tint()).collect();
        assert!((0..TINTS).all(|tint| tints.contains(&tint)), "{tints:?}");
    }
}
