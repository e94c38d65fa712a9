//! How a credential goes into a request to the system it is for.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, Uri, header, request, uri::PathAndQuery};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secret::Secret;

/// Where a provider's credential stands in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Placement {
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// `Authorization: Basic …` (RFC 7617): the credential is `name:password`.
    Basic,
    /// A header of another name, or another scheme in `Authorization`.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the credential, its space included.
        prefix: String,
    },
    /// A parameter of the URL. It may appear in the logs of whoever receives it; some interfaces have no other way.
    Query {
        /// The parameter.
        name: String,
    },
}

/// A credential that is ready to go into requests.
#[derive(Clone)]
pub enum Placed {
    /// As a header, marked as sensitive.
    Header(HeaderName, HeaderValue),
    /// As `name=value`, encoded.
    Query(Secret<String>),
}

/// The credential does not fit into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential has characters that do not fit into a request")]
pub struct Unplaceable;

impl Placement {
    /// Makes `credential` ready, once for all requests.
    pub fn place(&self, credential: &Secret<String>) -> Result<Placed, Unplaceable> {
        let header = |name: HeaderName, value: Secret<String>| {
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| Unplaceable)?;
            value.set_sensitive(true);
            Ok(Placed::Header(name, value))
        };
        let text = credential.expose();
        match self {
            Self::Bearer => header(header::AUTHORIZATION, Secret::new(format!("Bearer {text}"))),
            Self::Basic => {
                let encoded = Secret::new(BASE64_STANDARD.encode(text));
                header(header::AUTHORIZATION, Secret::new(format!("Basic {}", encoded.expose())))
            }
            Self::Header { name, prefix } => header(name.clone(), Secret::new(format!("{prefix}{text}"))),
            Self::Query { name } => Ok(Placed::Query(Secret::new(format!(
                "{}={}",
                utf8_percent_encode(name, NON_ALPHANUMERIC),
                utf8_percent_encode(text, NON_ALPHANUMERIC)
            )))),
        }
    }
}

impl Placed {
    /// Puts the credential into a request. A header of the same name that was there is replaced.
    pub fn apply(&self, request: &mut request::Parts) -> Result<(), Unplaceable> {
        match self {
            Self::Header(name, value) => {
                request.headers.insert(name.clone(), value.clone());
                Ok(())
            }
            Self::Query(pair) => {
                request.uri = with_parameter(&request.uri, pair)?;
                Ok(())
            }
        }
    }
}

/// `uri` with one more pair at the end of its query.
fn with_parameter(uri: &Uri, pair: &Secret<String>) -> Result<Uri, Unplaceable> {
    let path = uri.path();
    let target = match uri.query() {
        Some(query) if !query.is_empty() => format!("{path}?{query}&{}", pair.expose()),
        _ => format!("{path}?{}", pair.expose()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse::<PathAndQuery>().map_err(|_| Unplaceable)?);
    Uri::from_parts(parts).map_err(|_| Unplaceable)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn placed(placement: &Placement, secret: &str, uri: &str) -> request::Parts {
        let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
        placement.place(&Secret::from(secret)).unwrap().apply(&mut parts).unwrap();
        parts
    }

    #[test]
    fn each_placement() {
        let header = Placement::Header { name: HeaderName::from_static("x-key"), prefix: "Token ".into() };
        let rows = [
            (Placement::Bearer, "authorization", "Bearer abc:d"),
            (Placement::Basic, "authorization", "Basic YWJjOmQ="),
            (header, "x-key", "Token abc:d"),
        ];
        for (placement, name, value) in rows {
            let parts = placed(&placement, "abc:d", "https://api.test/v1?a=1");
            assert_eq!(parts.headers[name], value);
            assert!(parts.headers[name].is_sensitive() && !format!("{parts:?}").contains("abc:d"));
        }
        let query = Placement::Query { name: "key".into() };
        assert_eq!(
            placed(&query, "a&b=c", "https://api.test/v1?a=1").uri,
            "https://api.test/v1?a=1&key=a%26b%3Dc"
        );
        assert_eq!(placed(&query, "k", "https://api.test").uri, "https://api.test/?key=k");
    }

    #[test]
    fn a_credential_cannot_break_out_of_its_header() {
        for secret in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
            assert_eq!(Placement::Bearer.place(&Secret::from(secret)).err(), Some(Unplaceable));
        }
        let basic = Placement::Basic.place(&Secret::from("a\r\n:b"));
        assert!(basic.is_ok(), "encoded, it cannot");
    }
}
