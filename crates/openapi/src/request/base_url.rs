//! Where the API is, as the operator says.

use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use url::Url;

use super::encoding::is_dots;

/// Scheme, host, port and the beginning of every path. Fixed by the operator: neither the document nor an argument
/// changes any of it (OA-06).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    /// `api.example.com`, with the port where it was written.
    authority: Authority,
    /// `/v1`, or nothing.
    prefix: String,
}

/// Why a URL cannot be a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the base URL {0}")]
pub struct InvalidBaseUrl(&'static str);

impl BaseUrl {
    /// Takes a URL as base.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] when it is not plain `http` or `https`, or has user information, a query, a fragment, or a path
    /// that is read in more than one way.
    pub fn new(uri: &Uri) -> Result<Self, InvalidBaseUrl> {
        let authority = uri.authority().ok_or(InvalidBaseUrl("has no host"))?;
        let scheme = uri.scheme().filter(|scheme| matches!(scheme.as_str(), "http" | "https"));
        let scheme = scheme.ok_or(InvalidBaseUrl("is neither http nor https"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidBaseUrl("contains user information"));
        }
        if uri.query().is_some() {
            return Err(InvalidBaseUrl("has a query"));
        }
        let prefix = uri.path().trim_end_matches('/');
        let is_plain = !prefix.contains('\\') && !prefix.split('/').any(is_dots);
        let is_read_so = Url::parse(&format!("{scheme}://{authority}{prefix}/"))
            .is_ok_and(|url| url.path().strip_suffix('/') == Some(prefix));
        if is_plain && is_read_so {
            Ok(Self { scheme: scheme.clone(), authority: authority.clone(), prefix: prefix.to_owned() })
        } else {
            Err(InvalidBaseUrl("has a path that can be read in two ways"))
        }
    }

    /// The URL of a path and a query below the base; `None` when parsers of URLs would read another one.
    pub(super) fn join(&self, path: &str, query: &str) -> Option<Uri> {
        let is_read_so = path.starts_with('/')
            && path.bytes().all(stays_in_path)
            && query.bytes().all(stays_in_query)
            && !path.split('/').any(is_dots);
        if !is_read_so {
            return None;
        }
        let mark = if query.is_empty() { "" } else { "?" };
        let target = [&self.prefix, path, mark, query].concat();
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// What is part of a path to every parser, and stays as it is: slashes and `pchar` (RFC 3986 §3.3).
fn stays_in_path(byte: u8) -> bool {
    let is_unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_delimiter =
        matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
    is_unreserved || is_delimiter || matches!(byte, b'/' | b'%' | b':' | b'@')
}

/// The same for a query (§3.4), but for `'`, which browsers encode there.
fn stays_in_query(byte: u8) -> bool {
    byte == b'?' || (byte != b'\'' && stays_in_path(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn new(text: &str) -> Result<BaseUrl, InvalidBaseUrl> {
        BaseUrl::new(&text.parse().unwrap())
    }

    #[test]
    fn oa_06_a_base_url_is_plain() {
        for text in [
            "ftp://a.test/",
            "/v1",
            "https://user@a.test/",
            "https://a.test/v1?x=1",
            "https://a.test/v1/../admin",
            "https://a.test/v1/%2e%2e/admin",
            "https://a.test/v1/./x",
        ] {
            assert!(new(text).is_err(), "{text}");
        }
        for (text, url) in [
            ("https://a.test", "https://a.test/x?q=1"),
            ("https://a.test/", "https://a.test/x?q=1"),
            ("http://127.0.0.1:8080/v1//", "http://127.0.0.1:8080/v1/x?q=1"),
            ("https://[::1]:8443/api/v3/", "https://[::1]:8443/api/v3/x?q=1"),
        ] {
            assert_eq!(new(text).unwrap().join("/x", "q=1").unwrap(), url);
        }
    }

    #[test]
    fn oa_01_what_another_parser_reads_otherwise_is_not_joined() {
        let base = new("https://a.test/v1").unwrap();
        for path in [
            "/../x",
            "/%2e%2e/x",
            "/a/%2E/x",
            "/a/.%2e",
            "/a\\b",
            "/a b",
            "/a?b",
            "/a#b",
            "/a\tb",
            "/ü",
            "@evil.test/",
        ] {
            assert_eq!(base.join(path, ""), None, "{path}");
        }
        for query in ["a=b#c", "a=b c", "a=\"b\""] {
            assert_eq!(base.join("/x", query), None, "{query}");
        }
        assert!(base.join("/a%2Fb;c=d,e/..%2F", "a=%23&b=c").is_some());
    }
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn oa_06_every_parser_reads_what_was_joined(
            path in "(/[ -~]{0,4}|/[.%2eE;]{1,6}|/\\PC{0,3}){1,4}", query in "[ -~]{0,6}|\\PC{0,4}",
        ) {
            let base = new("https://a.test/v1").unwrap();
            if let Some(uri) = base.join(&path, &query) {
                let url = Url::parse(&uri.to_string()).unwrap();
                let expected = (format!("/v1{path}"), query.as_str());
                prop_assert_eq!((url.path(), url.query().unwrap_or_default()), (&*expected.0, expected.1));
                prop_assert_eq!((uri.path(), uri.query().unwrap_or_default()), (&*expected.0, expected.1));
                prop_assert_eq!((url.host_str(), url.fragment()), (Some("a.test"), None));
            }
        }
    }
}
