//! How a client says who it is at the token and revocation endpoints (RFC 6749 §2.3).

use oauth::{TokenEndpointAuthMethod, client_authentication::write_basic};
use secret::Secret;

use crate::registration::Registration;

/// The credentials of one request: an `Authorization` header, and the client's members of the body.
pub struct Credentials<'a> {
    /// The value of `Authorization`, for HTTP Basic.
    pub header: Option<Secret<String>>,
    /// What is added to the form.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// The credentials of `registration`, by the method it is registered with.
pub fn credentials(registration: &Registration) -> Credentials<'_> {
    let client_id = registration.client_id.as_str();
    let secret = registration.client_secret.as_ref().map_or("", |secret| secret.expose().as_str());
    match registration.token_endpoint_auth_method {
        TokenEndpointAuthMethod::None => {
            Credentials { header: None, parameters: vec![("client_id", client_id)] }
        }
        TokenEndpointAuthMethod::ClientSecretPost => Credentials {
            header: None,
            parameters: vec![("client_id", client_id), ("client_secret", secret)],
        },
        TokenEndpointAuthMethod::ClientSecretBasic => {
            Credentials { header: Some(write_basic(client_id, secret)), parameters: Vec::new() }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    fn registration(method: TokenEndpointAuthMethod) -> Registration {
        Registration {
            client_id: "an-id:1".to_owned(),
            client_secret: Some(Secret::from("a_secret+ä")),
            token_endpoint_auth_method: method,
            expires_at: None,
        }
    }

    #[test]
    fn each_method_sends_the_secret_once_or_never() {
        let post = registration(TokenEndpointAuthMethod::ClientSecretPost);
        let post = credentials(&post);
        assert!(post.header.is_none());
        assert_eq!(post.parameters, [("client_id", "an-id:1"), ("client_secret", "a_secret+ä")]);

        let basic = registration(TokenEndpointAuthMethod::ClientSecretBasic);
        let basic = credentials(&basic);
        let expected = format!("Basic {}", BASE64_STANDARD.encode("an-id%3A1:a_secret%2B%C3%A4"));
        assert_eq!(basic.header.unwrap().expose(), &expected);
        assert!(basic.parameters.is_empty());

        let none = registration(TokenEndpointAuthMethod::None);
        let none = credentials(&none);
        assert!(none.header.is_none());
        assert_eq!(none.parameters, [("client_id", "an-id:1")]);
    }
}
