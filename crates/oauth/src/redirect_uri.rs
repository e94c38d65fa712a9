//! Which redirect URIs may be registered, and which request matches a registration.
//!
//! Browsers and servers disagree about odd URLs, and every disagreement has been an open redirector
//! somewhere. So a redirect URI is accepted only in the one spelling in which the WHATWG parser, which
//! browsers use, gives back exactly the same bytes; from then on only bytes are compared.

use std::fmt;

use serde::{Serialize, Serializer};
use url::Url;

/// A redirect URI (RFC 6749 §3.1.2) in a spelling that means the same to everybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri(String);

/// Why a text is not an acceptable redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI, or spelled so that parsers may disagree about it.
    #[error("a redirect URI is an absolute URI in its normalised spelling, at most 2048 ASCII characters")]
    Spelling,
    /// A scheme that could run code or leave the browser.
    #[error(
        "a redirect URI uses https, http on this computer (127.0.0.1, [::1], localhost), or a private-use scheme such as com.example.app"
    )]
    Scheme,
    /// User information before the host.
    #[error("a redirect URI has no user information")]
    UserInformation,
    /// A fragment (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// The query already has a parameter that the response carries.
    #[error(
        "the query of a redirect URI must not contain code, state, iss, error, error_description or error_uri"
    )]
    ResponseParameter,
}

const MAXIMUM_LENGTH: usize = 2048;

/// Schemes of desktop apps that predate RFC 8252 §7.1's reverse-domain rule and are in wide use with MCP.
const KNOWN_APP_SCHEMES: [&str; 5] = ["cursor", "vscode", "vscode-insiders", "windsurf", "zed"];

const RESPONSE_PARAMETERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

impl RedirectUri {
    /// Reads a redirect URI that somebody wants to register or use.
    ///
    /// # Errors
    /// [`RedirectUriError`] names the broken rule.
    pub fn parse(unverified: &str) -> Result<Self, RedirectUriError> {
        let has_form = unverified.len() <= MAXIMUM_LENGTH
            && unverified.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        if !has_form {
            return Err(RedirectUriError::Spelling);
        }
        let url = Url::parse(unverified).map_err(|_| RedirectUriError::Spelling)?;
        check_scheme(&url)?;
        if !url.username().is_empty() || url.password().is_some() || authority(unverified).contains('@') {
            return Err(RedirectUriError::UserInformation);
        }
        if unverified.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !is_normalised(&url, unverified) {
            return Err(RedirectUriError::Spelling);
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err(RedirectUriError::ResponseParameter);
        }
        Ok(Self(unverified.to_owned()))
    }

    /// The URI, byte for byte as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request with `requested` may be answered, this being the registered one: the bytes are
    /// equal, or both name this computer and differ in nothing but the port (RFC 8252 §7.3).
    pub fn matches(&self, requested: &Self) -> bool {
        self == requested
            || (self.is_loopback()
                && requested.is_loopback()
                && self.without_port() == requested.without_port())
    }

    /// Whether the response goes to a program on this computer over http.
    pub fn is_loopback(&self) -> bool {
        self.0.starts_with("http://")
    }

    /// What a person is shown as the destination: the host (A-label) and its port if it has one, or the
    /// scheme of an app.
    pub fn destination(&self) -> &str {
        match authority(&self.0) {
            _ if !self.is_web() => self.scheme(),
            authority => authority,
        }
    }

    /// The host a person's consent is remembered for: as [`Self::destination`], but without the port of
    /// this computer, which changes with every run of the app.
    pub fn consent_host(&self) -> &str {
        if self.is_loopback() { split_port(authority(&self.0)).0 } else { self.destination() }
    }

    /// Whether a label of the host is internationalised (`xn--`), so that it may imitate another.
    pub fn is_internationalised(&self) -> bool {
        self.is_web() && authority(&self.0).split('.').any(|label| label.starts_with("xn--"))
    }

    /// The source expression that lets a page's form lead here (CSP `form-action`).
    pub fn content_security_source(&self) -> String {
        if self.is_web() {
            format!("{}://{}", self.scheme(), authority(&self.0))
        } else {
            format!("{}:", self.scheme())
        }
    }

    /// The URI with response parameters appended to its query.
    pub fn with_parameters(&self, parameters: &[(&str, &str)]) -> String {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            encoded.append_pair(name, value);
        }
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.0, encoded.finish())
    }

    fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Whether the response goes to a web address, and not to an app by its scheme.
    pub fn is_web(&self) -> bool {
        matches!(self.scheme(), "http" | "https")
    }

    fn without_port(&self) -> (&str, &str) {
        let authority = authority(&self.0);
        let rest = &self.0["http://".len() + authority.len()..];
        (split_port(authority).0, rest)
    }
}

fn check_scheme(url: &Url) -> Result<(), RedirectUriError> {
    let allowed = match url.scheme() {
        "https" => url.host_str().is_some_and(is_host),
        "http" => url.host_str().is_some_and(is_loopback_literal),
        scheme => (scheme.contains('.') && !url.cannot_be_a_base()) || KNOWN_APP_SCHEMES.contains(&scheme),
    };
    if allowed { Ok(()) } else { Err(RedirectUriError::Scheme) }
}

/// An IP address, or labels of letters, digits, hyphens and underscores. The WHATWG parser also lets through
/// `*`, `;`, `,` and quotation marks, which mean something where a host is written into a policy or a pattern.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    host.starts_with('[') || host.split('.').all(is_label)
}

/// The parser gives back the same bytes, save for the slash it adds where there is no path at all.
fn is_normalised(url: &Url, text: &str) -> bool {
    let normal = url.as_str();
    normal == text || (normal.strip_suffix('/') == Some(text) && url.path() == "/")
}

/// The part between `://` and the path, as it is spelled.
fn authority(text: &str) -> &str {
    let start = text.find("://").map_or(text.len(), |at| at + 3);
    let rest = &text[start..];
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Only these three spellings mean this computer; `0x7f.1`, `127.1` and the like never get here, because
/// the parser rewrites them and a rewritten URI is refused.
pub(crate) fn is_loopback_literal(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(row: &str, uris: &[&str]) {
        for uri in uris {
            assert!(RedirectUri::parse(uri).is_err(), "{row}: {uri:?} was accepted");
        }
    }

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn real_clients_are_accepted() {
        for text in [
            "https://claude.ai/api/mcp/auth_callback",
            "https://app.example",
            "https://my_app.example:8443/cb",
            "https://192.0.2.1/cb",
            "https://[2001:db8::1]/cb",
            "http://localhost:3000/callback",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1:51234",
            "http://[::1]:8080/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode://ms.example/callback",
            "com.example.app:/callback",
            "https://xn--80ak6aa92e.com/cb",
            "https://c.test/cb?x=1",
        ] {
            assert_eq!(uri(text).as_str(), text);
        }
    }

    #[test]
    fn hostile_registrations() {
        refused(
            "RG-01",
            &[
                "javascript:alert(1)",
                "JaVaScRiPt:alert(1)",
                "\tjavascript:alert(1)",
                "java\nscript:alert(1)",
                "data:text/html,x",
                "vbscript:x",
                "blob:https://a/b",
                "file:///etc/passwd",
                "about:blank",
                "ftp://good.test/",
                "intent://x",
                "com.example.app:callback",
            ],
        );
        refused(
            "RG-02",
            &[
                "https://user:pw@good.test/cb",
                "https://good.test@evil.test/cb",
                "https://a@b@evil/cb",
                "https://good.test%25@evil",
                "https://@evil.test/",
                "https://:@evil.test/",
            ],
        );
        refused(
            "RG-03",
            &[
                "https://good.test\\@evil.test/",
                "https://good.test\\.evil",
                "https:/evil",
                "https:evil",
                "//evil/cb",
                "https://good.test#@evil",
                "https://good.test/cb#",
                "https://good.test\t.evil/",
                "https://good.test/a/../b",
                "https://good.test/%2e%2e/b",
                "https://GOOD.test/cb",
                "https://good.test:443/cb",
                "https://good.test./cb",
                "https:///evil",
                "https://good.test /cb",
                "https://*.good.test/cb",
                "https://good.test;sandbox/cb",
                "https://good.test,evil.test/cb",
                "https://good.test'/cb",
                "https://good..test/cb",
            ],
        );
        refused("RG-05", &["http://good.test/cb", "http://192.168.1.1/cb"]);
        refused(
            "RG-06",
            &[
                "http://localhost.evil.test/",
                "http://127.0.0.1.evil.test/",
                "http://localhost@evil/",
                "http://0x7f.1/",
                "http://2130706433/",
                "http://[::ffff:127.0.0.1]/",
                "http://0.0.0.0/",
                "http://127.1/",
                "http://localhost./",
                "http://127。0。0。1/",
            ],
        );
        refused("RG-07", &["https://аpple.com/cb"]);
        refused(
            "AZ-09",
            &["https://c.test/cb?code=1", "https://c.test/cb?iss=x", "https://c.test/cb?a=1&st%61te=2"],
        );
        refused("length", &[&format!("https://good.test/{}", "a".repeat(2048))]);
    }

    #[test]
    fn az_05_only_the_same_bytes_match() {
        let registered = uri("https://c.test/cb");
        assert!(registered.matches(&uri("https://c.test/cb")));
        for other in [
            "https://c.test/cb/",
            "https://c.test/CB",
            "https://c.test/cb?x=1",
            "https://c.test/cb;x",
            "https://c.test/cb..;/",
            "https://c.test/cb%2f..",
            "https://c.test:8443/cb",
        ] {
            assert!(!registered.matches(&uri(other)), "{other}");
        }
    }

    #[test]
    fn az_06_on_this_computer_only_the_port_may_differ() {
        let registered = uri("http://127.0.0.1/cb");
        assert!(registered.matches(&uri("http://127.0.0.1:51234/cb")));
        assert!(uri("http://localhost:3000/cb").matches(&uri("http://localhost:4000/cb")));
        assert!(uri("http://[::1]/cb").matches(&uri("http://[::1]:4000/cb")));
        for other in [
            "http://localhost:51234/cb",
            "http://127.0.0.1:51234/CB",
            "http://[::1]:51234/cb",
            "http://127.0.0.1:51234/cb?x=1",
        ] {
            assert!(!registered.matches(&uri(other)), "{other}");
        }
    }

    #[test]
    fn shows_where_the_response_goes() {
        assert_eq!(uri("https://claude.ai/cb").destination(), "claude.ai");
        assert_eq!(uri("http://127.0.0.1:3000/cb").destination(), "127.0.0.1:3000");
        assert_eq!(uri("http://[::1]:3000/cb").consent_host(), "[::1]");
        assert_eq!(uri("http://localhost:3000/cb").consent_host(), "localhost");
        assert_eq!(uri("cursor://anysphere.cursor-mcp/cb").destination(), "cursor");
        assert_eq!(uri("https://claude.ai/cb").content_security_source(), "https://claude.ai");
        assert_eq!(uri("cursor://a/cb").content_security_source(), "cursor:");
        assert!(uri("https://xn--80ak6aa92e.com/cb").is_internationalised());
    }

    #[test]
    fn appends_parameters_once() {
        assert_eq!(
            uri("https://c.test/cb").with_parameters(&[("state", "a b&c")]),
            "https://c.test/cb?state=a+b%26c"
        );
        assert_eq!(
            uri("https://c.test/cb?x=1").with_parameters(&[("state", "s")]),
            "https://c.test/cb?x=1&state=s"
        );
        assert_eq!(uri("https://c.test/cb?").with_parameters(&[("state", "s")]), "https://c.test/cb?state=s");
    }
}
