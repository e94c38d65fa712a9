//! A URL that may be handed to a browser.

use std::fmt;

use ::url::{Host, Url};

/// An authorization URL that was vetted: `https`, or `http` on this computer, in visible ASCII.
///
/// Whatever opens it must pass it as one argument, never through a shell; it cannot begin with `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationUrl(String);

/// Why a URL is not handed to a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeUrl {
    /// Not an absolute URL.
    #[error("it is not an absolute URL")]
    NotAUrl,
    /// Spaces, quotes, control or non-ASCII characters, of which a program that opens it could make something else.
    #[error("it has characters that do not belong into a URL")]
    Characters,
    /// Neither `https` nor loopback `http`.
    #[error("it is neither https nor http on this computer")]
    NotSecure,
    /// A name and password before the host.
    #[error("it contains user information")]
    UserInformation,
}

impl AuthorizationUrl {
    /// Vets a URL, by its raw text first: a parser would clean up what should be refused.
    pub fn parse(unverified: &str) -> Result<Self, UnsafeUrl> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'`<>\\^{|}".contains(&byte);
        if !unverified.bytes().all(is_plain) {
            return Err(UnsafeUrl::Characters);
        }
        let url = Url::parse(unverified).map_err(|_| UnsafeUrl::NotAUrl)?;
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(UnsafeUrl::NotSecure),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return Err(UnsafeUrl::NotSecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UnsafeUrl::UserInformation);
        }
        Ok(Self(url.into()))
    }

    /// The URL in visible ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorizationUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cl_01_only_safe_urls_are_opened() {
        let rows = [
            ("https://as.test/authorize", None),
            ("https://as.test/authorize?a=b&c=%20d", None),
            ("http://127.0.0.1:8080/authorize", None),
            ("http://localhost/authorize", None),
            ("http://[::1]:1/authorize", None),
            ("http://as.test/authorize", Some(UnsafeUrl::NotSecure)),
            ("http://localhost.evil.test/", Some(UnsafeUrl::NotSecure)),
            ("file:///etc/passwd", Some(UnsafeUrl::NotSecure)),
            ("javascript:alert(1)", Some(UnsafeUrl::NotSecure)),
            ("a:$(cmd.exe%20/c%20calc)", Some(UnsafeUrl::NotSecure)),
            ("a:$(cmd.exe /c calc)", Some(UnsafeUrl::Characters)),
            ("https://x/`id`", Some(UnsafeUrl::Characters)),
            ("https://x/ & calc", Some(UnsafeUrl::Characters)),
            ("https://x/\" --flag", Some(UnsafeUrl::Characters)),
            ("https://x/a\nb", Some(UnsafeUrl::Characters)),
            ("https://x/\u{1b}[31m", Some(UnsafeUrl::Characters)),
            ("https://xn--e1a.test/ä", Some(UnsafeUrl::Characters)),
            ("--new-window=https://x/", Some(UnsafeUrl::NotAUrl)),
            ("%CD%", Some(UnsafeUrl::NotAUrl)),
            ("", Some(UnsafeUrl::NotAUrl)),
            ("https://good.test@evil.test/", Some(UnsafeUrl::UserInformation)),
        ];
        for (text, expected) in rows {
            assert_eq!(AuthorizationUrl::parse(text).err(), expected, "{text:?}");
        }
    }
}
