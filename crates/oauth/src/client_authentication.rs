//! Client authentication at the token endpoint (RFC 6749 §2.3): what was presented, not yet verified.

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use secret::Secret;
use url::form_urlencoded::byte_serialize;

use crate::{ClientId, TokenEndpointAuthMethod, parameters::Parameters};

/// What a client presented to say who it is.
#[derive(Debug)]
pub struct PresentedClient {
    /// Who it claims to be.
    pub unverified_client_id: ClientId,
    /// The secret it presented, if any.
    pub secret: Option<Secret<String>>,
    /// How it was presented.
    pub method: TokenEndpointAuthMethod,
}

/// Why no client can be read from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthenticationError {
    /// Neither an `Authorization` header nor a `client_id`.
    #[error("the request names no client: send client_id, or HTTP Basic")]
    Missing,
    /// The `Authorization` header is not readable HTTP Basic.
    #[error("the Authorization header is not HTTP Basic with form-encoded client_id and client_secret")]
    MalformedBasic,
    /// More than one method at once (RFC 6749 §2.3).
    #[error("the request uses more than one method of client authentication")]
    Several,
    /// A parameter appears more than once.
    #[error("a parameter is included more than once")]
    Repeated,
}

/// Identifiers and secrets beyond this length are refused unread.
const MAXIMUM_LENGTH: usize = 4096;

/// Reads who the client claims to be from the `Authorization` header and the form body.
///
/// # Errors
/// [`ClientAuthenticationError`]; every one but `Repeated` is answered with `invalid_client`.
pub fn read(
    authorization: Option<&[u8]>,
    parameters: &Parameters,
) -> Result<PresentedClient, ClientAuthenticationError> {
    let repeated = |_| ClientAuthenticationError::Repeated;
    let body_id = parameters.one("client_id").map_err(repeated)?;
    let body_secret = parameters.one("client_secret").map_err(repeated)?;
    if let Some(header) = authorization {
        let (id, secret) = read_basic(header)?;
        if body_secret.is_some() || body_id.is_some_and(|body_id| body_id != id) {
            return Err(ClientAuthenticationError::Several);
        }
        return Ok(PresentedClient {
            unverified_client_id: ClientId::from_unverified(id),
            secret: Some(secret),
            method: TokenEndpointAuthMethod::ClientSecretBasic,
        });
    }
    let id = body_id.filter(|id| id.len() <= MAXIMUM_LENGTH).ok_or(ClientAuthenticationError::Missing)?;
    Ok(PresentedClient {
        unverified_client_id: ClientId::from_unverified(id),
        secret: body_secret.filter(|secret| secret.len() <= MAXIMUM_LENGTH).map(Secret::from),
        method: match body_secret {
            Some(_) => TokenEndpointAuthMethod::ClientSecretPost,
            None => TokenEndpointAuthMethod::None,
        },
    })
}

/// The `Authorization` header value of HTTP Basic client authentication. Only what form encoding requires is
/// escaped: servers that forget to decode then still read most identifiers.
pub fn write_basic(client_id: &str, secret: &str) -> Secret<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encoded(client_id), encoded(secret)));
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())))
}

/// RFC 6749 §2.3.1: identifier and secret are form-encoded before they become user name and password.
fn read_basic(header: &[u8]) -> Result<(String, Secret<String>), ClientAuthenticationError> {
    let malformed = ClientAuthenticationError::MalformedBasic;
    let text = std::str::from_utf8(header).map_err(|_| malformed)?;
    let (scheme, encoded) = text.split_once(' ').ok_or(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 4 * MAXIMUM_LENGTH {
        return Err(malformed);
    }
    let credentials = BASE64_STANDARD.decode(encoded.trim()).map_err(|_| malformed)?;
    let credentials = String::from_utf8(credentials).map_err(|_| malformed)?;
    let (id, secret) = credentials.split_once(':').ok_or(malformed)?;
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| malformed)
    };
    let (id, secret) = (decode(id)?, decode(secret)?);
    if id.is_empty() || id.len() > MAXIMUM_LENGTH || secret.len() > MAXIMUM_LENGTH {
        return Err(malformed);
    }
    Ok((id, Secret::new(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(body: &str) -> Parameters {
        Parameters::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn reads_each_method() {
        let client = read(None, &parameters("client_id=a&client_secret=s")).unwrap();
        assert_eq!(client.method, TokenEndpointAuthMethod::ClientSecretPost);
        let client = read(None, &parameters("client_id=a")).unwrap();
        assert_eq!((client.method, client.secret.is_none()), (TokenEndpointAuthMethod::None, true));
        let header = write_basic("a:b-c", "s%:+ ü");
        let client = read(Some(header.expose().as_bytes()), &parameters("")).unwrap();
        assert_eq!(client.unverified_client_id.as_str(), "a:b-c");
        assert_eq!(client.secret.unwrap().expose(), "s%:+ ü");
    }

    #[test]
    fn tk_22_malformed_basic() {
        let long = format!("Basic {}", BASE64_STANDARD.encode("a".repeat(1 << 20)));
        for header in
            ["Basic", "Basic !!!", "Basic YQ==", "Bearer YTpi", "Basic /////w==", "Basic OnM=", &long]
        {
            let error = read(Some(header.as_bytes()), &parameters("")).unwrap_err();
            assert_eq!(
                error,
                ClientAuthenticationError::MalformedBasic,
                "{}",
                &header[..header.len().min(40)]
            );
        }
    }

    #[test]
    fn one_method_at_a_time() {
        let header = write_basic("a", "s");
        let header = Some(header.expose().as_bytes());
        assert_eq!(
            read(header, &parameters("client_secret=s")).unwrap_err(),
            ClientAuthenticationError::Several
        );
        assert_eq!(read(header, &parameters("client_id=b")).unwrap_err(), ClientAuthenticationError::Several);
        assert!(read(header, &parameters("client_id=a")).is_ok());
        assert_eq!(read(None, &parameters("")).unwrap_err(), ClientAuthenticationError::Missing);
        assert_eq!(
            read(None, &parameters("client_id=a&client_id=a")).unwrap_err(),
            ClientAuthenticationError::Repeated
        );
    }
}
