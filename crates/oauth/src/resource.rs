use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Position, Url};

use crate::redirect_uri::is_loopback_literal;

/// A resource indicator (RFC 8707 §2): the canonical URI of a protected resource.
///
/// Kept with scheme and host in lower case and without the slash of an empty path, so that equal resources
/// are equal bytes; nothing else is normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceIndicator(String);

/// Why a text is not a resource indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a resource is an absolute https URL (http only on this computer) without fragment and user information, at most 2048 characters"
)]
pub struct ResourceError;

const MAXIMUM_LENGTH: usize = 2048;

impl ResourceIndicator {
    /// Reads a resource indicator.
    ///
    /// # Errors
    /// [`ResourceError`] when it is relative, has a fragment (RFC 8707 §2), user information or dot segments,
    /// or is neither https nor http on this computer.
    pub fn parse(unverified: &str) -> Result<Self, ResourceError> {
        let has_form = unverified.len() <= MAXIMUM_LENGTH
            && unverified.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && unverified.contains("://");
        if !has_form {
            return Err(ResourceError);
        }
        let url = Url::parse(unverified).map_err(|_| ResourceError)?;
        let host = url.host_str().ok_or(ResourceError)?;
        let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback_literal(host));
        let is_decorated = url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
        if !is_secure || is_decorated || !has_same_path(&url, unverified) {
            return Err(ResourceError);
        }
        let text = url.as_str();
        let canonical =
            if url.path() == "/" && url.query().is_none() { text.trim_end_matches('/') } else { text };
        Ok(Self(canonical.to_owned()))
    }

    /// The canonical URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path component, empty when there is none.
    pub fn path(&self) -> &str {
        let rest = &self.0[self.origin().len()..];
        &rest[..rest.find('?').unwrap_or(rest.len())]
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let length = self.0[start..].find(['/', '?']).unwrap_or(self.0.len() - start);
        &self.0[..start + length]
    }
}

/// The parser resolves dot segments and encodes odd characters; a resource that means another one by that is none.
fn has_same_path(url: &Url, text: &str) -> bool {
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let parsed = &url[Position::BeforePath..];
    parsed == path || (!path.starts_with('/') && parsed.strip_prefix('/') == Some(path))
}

impl fmt::Display for ResourceIndicator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for ResourceIndicator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourceIndicator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(&str, &str, &str)>) {
        let parsed = ResourceIndicator::parse(text).ok();
        assert_eq!(
            parsed.as_ref().map(|resource| (resource.as_str(), resource.origin(), resource.path())),
            expect
        );
    }

    #[test]
    fn az_13_resources() {
        check("https://mcp.test/mcp", Some(("https://mcp.test/mcp", "https://mcp.test", "/mcp")));
        check("HTTPS://MCP.test", Some(("https://mcp.test", "https://mcp.test", "")));
        check("https://mcp.test/", Some(("https://mcp.test", "https://mcp.test", "")));
        check("https://mcp.test/mcp/", Some(("https://mcp.test/mcp/", "https://mcp.test", "/mcp/")));
        check(
            "http://127.0.0.1:8080/mcp/demo",
            Some(("http://127.0.0.1:8080/mcp/demo", "http://127.0.0.1:8080", "/mcp/demo")),
        );
        for hostile in [
            "https://mcp.test/mcp#frag",
            "/mcp",
            "mcp",
            "http://mcp.test/",
            "https://user@mcp.test/",
            "https:mcp.test",
            "https://mcp.test\\mcp",
            "https://mcp.test/x/../mcp",
            "https://mcp.test/%2e/mcp",
            "https://mcp.test/mcp/..",
            "",
            "urn:x",
        ] {
            check(hostile, None);
        }
    }
}
