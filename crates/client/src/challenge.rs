//! What a protected resource says when it refuses (RFC 6750 §3, RFC 9728 §5.1).

use http::{HeaderMap, header};
use oauth::{Scope, www_authenticate};

/// The `Bearer` challenge of a 401 or 403, as the server wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the resource's metadata is.
    pub resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub scope: Option<Scope>,
    /// The error code, for example `insufficient_scope`.
    pub error: Option<String>,
}

impl Challenge {
    /// The first `Bearer` challenge in the headers of a response.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let bearer =
            values.flat_map(www_authenticate::parse).find(|challenge| challenge.scheme == "bearer")?;
        let scope = bearer.parameter("scope").and_then(|scope| Scope::parse(scope).ok());
        Some(Self {
            resource_metadata: bearer.parameter("resource_metadata").map(str::to_owned),
            scope: scope.filter(|scope| !scope.is_empty()),
            error: bearer.parameter("error").map(str::to_owned),
        })
    }

    /// Whether the token is good but does not suffice (RFC 6750 §3.1).
    pub fn is_insufficient_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::read(&headers)
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        let expected = Challenge {
            resource_metadata: Some("https://a.test/prm".to_owned()),
            scope: Some(Scope::parse("read write").unwrap()),
            error: Some("insufficient_scope".to_owned()),
        };
        let bearer = "Bearer error=\"insufficient_scope\", scope=\"write read\", \
                      resource_metadata=\"https://a.test/prm\"";
        assert_eq!(read(&[bearer]), Some(expected.clone()));
        assert_eq!(read(&["Basic realm=\"x\"", bearer]), Some(expected.clone()));
        assert!(expected.is_insufficient_scope());
        assert_eq!(read(&["Bearer"]), Some(Challenge::default()));
        assert_eq!(read(&["Basic realm=\"x\""]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_scope_that_is_none_is_left_out() {
        assert_eq!(read(&["Bearer scope=\"\""]), Some(Challenge::default()));
        assert_eq!(read(&["Bearer scope=\"a\\\"b\""]), Some(Challenge::default()));
    }
}
