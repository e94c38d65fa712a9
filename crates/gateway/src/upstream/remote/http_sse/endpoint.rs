//! Where a server wants messages to go: a URL that a stranger names.

use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery};

/// Why an endpoint is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefusedEndpoint {
    /// It is no URL.
    #[error("it is no URL")]
    NoUrl,
    /// It would lead to another server, with what is meant for this one.
    #[error("it is of another origin than the configured URL")]
    OtherOrigin,
}

/// The URL that `named` stands for on a stream from `url` (RFC 3986 section 5.2); of the same origin, or refused.
pub(super) fn resolve(url: &Uri, named: &str) -> Result<Uri, RefusedEndpoint> {
    let named = named.split('#').next().unwrap_or_default().trim();
    // A backslash is a slash to some, and a part of a name to others.
    if named.is_empty() || named.contains(|char: char| char == '\\' || !char.is_ascii_graphic()) {
        return Err(RefusedEndpoint::NoUrl);
    }
    if has_scheme(named) {
        return of_same_origin(url, named);
    }
    if named.starts_with("//") {
        let scheme = url.scheme_str().unwrap_or("https");
        return of_same_origin(url, &format!("{scheme}:{named}"));
    }
    let path = if named.starts_with('/') {
        named.to_owned()
    } else if named.starts_with('?') {
        format!("{}{named}", url.path())
    } else {
        let (parent, _) = url.path().rsplit_once('/').unwrap_or_default();
        format!("{parent}/{named}")
    };
    let mut parts = Parts::default();
    parts.scheme = url.scheme().cloned();
    parts.authority = url.authority().cloned();
    parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(|_| RefusedEndpoint::NoUrl)?);
    Uri::from_parts(parts).map_err(|_| RefusedEndpoint::NoUrl)
}

fn has_scheme(named: &str) -> bool {
    let before = named.split(['/', '?']).next().unwrap_or_default();
    before.contains(':')
}

fn of_same_origin(url: &Uri, named: &str) -> Result<Uri, RefusedEndpoint> {
    let named: Uri = named.parse().map_err(|_| RefusedEndpoint::NoUrl)?;
    let is_same = origin(&named).is_some_and(|named| Some(named) == origin(url));
    if is_same { Ok(named) } else { Err(RefusedEndpoint::OtherOrigin) }
}

/// Scheme, host and port (RFC 6454 section 4); `None` when there is user information, which names nobody here.
fn origin(url: &Uri) -> Option<(String, String, u16)> {
    let scheme = url.scheme_str()?.to_ascii_lowercase();
    let authority = url.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let default = match &*scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let port = Authority::port_u16(authority).unwrap_or(default);
    Some((scheme, authority.host().to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use RefusedEndpoint::{NoUrl, OtherOrigin};

    #[test]
    fn an_endpoint_is_of_the_same_origin() {
        for (url, named, expected) in [
            (
                "https://mcp.example/a/sse",
                "/message?sessionId=1",
                Ok("https://mcp.example/message?sessionId=1"),
            ),
            ("https://mcp.example/a/sse", "message?s=1", Ok("https://mcp.example/a/message?s=1")),
            ("https://mcp.example/a/sse?x=1", "?s=1", Ok("https://mcp.example/a/sse?s=1")),
            ("https://mcp.example/sse", " /m?s=1 ", Ok("https://mcp.example/m?s=1")),
            ("https://mcp.example/sse", "https://mcp.example/m", Ok("https://mcp.example/m")),
            ("https://mcp.example/sse", "HTTPS://MCP.example:443/m", Ok("https://MCP.example:443/m")),
            ("https://mcp.example/sse", "//mcp.example/m", Ok("https://mcp.example/m")),
            (
                "https://mcp.example/sse",
                "/m?to=https://evil.test",
                Ok("https://mcp.example/m?to=https://evil.test"),
            ),
            ("https://mcp.example/sse", "/m#https://evil.test", Ok("https://mcp.example/m")),
            ("http://127.0.0.1:3001/sse", "http://127.0.0.1:3001/m", Ok("http://127.0.0.1:3001/m")),
            ("https://mcp.example/sse", "https://evil.test/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "http://mcp.example/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "https://mcp.example:8443/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "https://mcp.example.evil.test/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "https://mcp.example@evil.test/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "https://u:p@mcp.example/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "//evil.test/m", Err(OtherOrigin)),
            ("https://mcp.example/sse", "/\\evil.test/m", Err(NoUrl)),
            ("https://mcp.example/sse", "file:///etc/passwd", Err(OtherOrigin)),
            ("https://mcp.example/sse", "javascript:alert(1)", Err(OtherOrigin)),
            ("https://mcp.example/sse", "/m\u{0}", Err(NoUrl)),
            ("https://mcp.example/sse", "/m x", Err(NoUrl)),
            ("https://mcp.example/sse", "", Err(NoUrl)),
        ] {
            let resolved = resolve(&url.parse().unwrap(), named);
            match expected {
                Ok(expected) => assert_eq!(resolved, Ok(expected.parse().unwrap()), "{named}"),
                Err(expected) => assert!(
                    // Whatever http cannot read as a URL is as well refused as what is of another origin.
                    matches!(resolved, Err(found) if found == expected || found == NoUrl),
                    "{named}: {resolved:?}"
                ),
            }
        }
    }
}
