//! Where the API is, as the operator says.

use http::Uri;
use url::Url;

use super::encoding::is_dots;

/// Scheme, host, port and the beginning of every path. Fixed by the operator: neither the document nor an argument
/// changes any of it (OA-06).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// `https://api.example.com`, with the port where it was written.
    origin: String,
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
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let scheme = scheme.ok_or(InvalidBaseUrl("is neither http nor https"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidBaseUrl("contains user information"));
        }
        if uri.query().is_some() {
            return Err(InvalidBaseUrl("has a query"));
        }
        let prefix = uri.path().trim_end_matches('/');
        let is_plain = !prefix.contains('\\') && !prefix.split('/').any(is_dots);
        let base = Self { origin: format!("{scheme}://{authority}"), prefix: prefix.to_owned() };
        let is_read_so = Url::parse(&format!("{}{prefix}/", base.origin))
            .is_ok_and(|url| url.path().strip_suffix('/') == Some(prefix));
        if is_plain && is_read_so {
            Ok(base)
        } else {
            Err(InvalidBaseUrl("has a path that can be read in two ways"))
        }
    }

    /// The URL of a path and a query below the base; `None` when parsers of URLs would read another one.
    pub(super) fn join(&self, path: &str, query: &str) -> Option<Uri> {
        let Self { origin, prefix } = self;
        if !path.starts_with('/') {
            return None;
        }
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("{origin}{prefix}{path}{mark}{query}");
        let (uri, url) = (text.parse::<Uri>().ok()?, Url::parse(&text).ok()?);
        let is_path = |read: &str| read.strip_prefix(prefix.as_str()) == Some(path);
        let is_query = |read: Option<&str>| read.unwrap_or_default() == query;
        let is_read_so =
            is_path(uri.path()) && is_path(url.path()) && is_query(uri.query()) && is_query(url.query());
        let is_there =
            uri.authority().is_some_and(|there| origin.ends_with(there.as_str())) && url.fragment().is_none();
        (is_read_so && is_there).then_some(uri)
    }
}

#[cfg(test)]
mod tests {
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
}
