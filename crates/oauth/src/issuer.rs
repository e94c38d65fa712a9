use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::redirect_uri::is_loopback_literal;

/// An issuer identifier (RFC 8414 §2): compared byte by byte, never normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Issuer(String);

/// Why a text is not an issuer identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an absolute URL with a host.
    #[error("an issuer is an absolute URL with a host, such as https://vestibule.example")]
    NotAUrl,
    /// Neither https nor http on this computer.
    #[error("an issuer uses https; http is only for this computer (127.0.0.1, [::1], localhost)")]
    NotSecure,
    /// Carries a query, a fragment or user information (RFC 8414 §2).
    #[error("an issuer has no query, no fragment and no user information")]
    Decorated,
    /// Ends with a slash, which clients strip or keep as they please.
    #[error("an issuer does not end with a slash")]
    TrailingSlash,
}

impl Issuer {
    /// Reads an issuer from configuration.
    ///
    /// # Errors
    /// [`IssuerError`] says which rule of RFC 8414 §2 it breaks.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|_| IssuerError::NotAUrl)?;
        let host = url.host_str().ok_or(IssuerError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback_literal(host) => {}
            _ => return Err(IssuerError::NotSecure),
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(IssuerError::Decorated);
        }
        if text.ends_with('/') {
            return Err(IssuerError::TrailingSlash);
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads the identifier of another issuer, which may end with a slash if it calls itself so.
    ///
    /// # Errors
    /// [`IssuerError`] says which rule of RFC 8414 §2 it breaks.
    pub fn of_another(text: &str) -> Result<Self, IssuerError> {
        Self::parse(text.strip_suffix('/').unwrap_or(text))?;
        Ok(Self(text.to_owned()))
    }

    /// The issuer exactly as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a path below this issuer; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The path component of the issuer: empty, or `/t1` for `https://host/t1`.
    pub fn path(&self) -> &str {
        let after_scheme = self.0.find("://").map_or(0, |at| at + 3);
        self.0[after_scheme..].find('/').map_or("", |at| &self.0[after_scheme + at..])
    }

    /// Scheme, host and port: `https://host:8443`.
    pub fn origin(&self) -> &str {
        &self.0[..self.0.len() - self.path().len()]
    }

    /// Whether pages are served in the clear on this computer, where cookies cannot be `Secure`.
    pub fn is_plain_http(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(&str, &str), IssuerError>) {
        let parsed = Issuer::parse(text);
        assert_eq!(
            parsed.as_ref().map(|issuer| (issuer.origin(), issuer.path())).map_err(|error| *error),
            expect
        );
    }

    #[test]
    fn op_06_issuers() {
        check("https://vestibule.example", Ok(("https://vestibule.example", "")));
        check("https://vestibule.example:8443/t1", Ok(("https://vestibule.example:8443", "/t1")));
        check("http://127.0.0.1:8080", Ok(("http://127.0.0.1:8080", "")));
        check("http://vestibule.example", Err(IssuerError::NotSecure));
        check("https://vestibule.example/", Err(IssuerError::TrailingSlash));
        check("https://vestibule.example?x=1", Err(IssuerError::Decorated));
        check("https://vestibule.example#x", Err(IssuerError::Decorated));
        check("https://user@vestibule.example", Err(IssuerError::Decorated));
        check("vestibule.example", Err(IssuerError::NotAUrl));
    }

    #[test]
    fn another_issuer_may_end_with_a_slash() {
        assert_eq!(Issuer::of_another("https://idp.example/").unwrap().as_str(), "https://idp.example/");
        assert_eq!(Issuer::of_another("https://idp.example/t").unwrap().as_str(), "https://idp.example/t");
        for wrong in ["https://idp.example//", "https://", "http://idp.example/", "https://idp.example/?x"] {
            assert!(Issuer::of_another(wrong).is_err(), "{wrong}");
        }
    }
}
