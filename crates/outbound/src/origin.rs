//! Step 1 of the crate's essay: what a request is sent to.

use http::{Uri, uri::Authority};

use crate::error::Error;

/// Scheme, host and port of a URL that can be requested, as the URL has them: a port that is left out is not the same as
/// the scheme's own one written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    is_encrypted: bool,
    authority: Authority,
}

impl Origin {
    pub(crate) fn of(uri: &Uri) -> Result<Self, Error> {
        let is_encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(Error::InvalidUrl("it is neither http nor https")),
        };
        let authority = uri.authority().ok_or(Error::InvalidUrl("it has no host"))?;
        match authority.as_str().as_bytes() {
            text if text.contains(&b'@') => Err(Error::InvalidUrl("it contains user information")),
            [] | [b':', ..] | [b'[', b']', ..] => Err(Error::InvalidUrl("it has no host")),
            _ => Ok(Self { is_encrypted, authority: authority.clone() }),
        }
    }

    /// The host without the brackets of an IPv6 literal.
    pub(crate) fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_host_or_names_a_user_has_no_origin() {
        for url in [
            "http://:80/",
            "http://[]/",
            "http://[]:80/",
            "http:///x",
            "http://a@/",
            "http://a@b.test/",
            "/x",
            "a.test:80",
        ] {
            let Ok(uri) = url.parse::<Uri>() else { continue };
            assert!(matches!(Origin::of(&uri), Err(Error::InvalidUrl(_))), "{url}");
        }
    }

    #[test]
    fn origins_are_the_same_when_scheme_host_and_port_are() {
        let origin = |url: &str| Origin::of(&url.parse().unwrap()).unwrap();
        assert_eq!(origin("https://a.test/x?y"), origin("https://A.test"));
        for other in ["http://a.test/", "https://b.test/", "https://a.test:8443/", "https://a.test./"] {
            assert_ne!(origin("https://a.test/"), origin(other), "{other}");
        }
        assert_eq!(origin("https://[::1]:7/").host(), "::1");
        assert_eq!(origin("https://a.test:7/").host(), "a.test");
    }
}
