use std::fmt;

use serde::{Deserialize, Serialize};

/// The grant types that the token endpoint serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1
    AuthorizationCode,
    /// RFC 6749 §6
    RefreshToken,
    /// RFC 6749 §4.4
    ClientCredentials,
}

impl GrantType {
    /// Every grant type, as metadata lists them.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// Reads a `grant_type`; `None` for one that is not served.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant_type| grant_type.as_str() == text)
    }

    /// As it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// How a client authenticates at the token endpoint (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// A public client: it has no secret.
    None,
    /// HTTP Basic with the form-encoded identifier and secret (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// Identifier and secret in the request body.
    ClientSecretPost,
}

impl TokenEndpointAuthMethod {
    /// Every method, as metadata lists them.
    pub const ALL: [Self; 3] = [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost];

    /// Reads a method; `None` for one that is not served.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// As it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    /// Whether the client keeps a secret.
    pub const fn is_confidential(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// `application_type` of OpenID Connect Registration §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// Runs on a server.
    Web,
    /// Runs on a person's computer.
    Native,
}

impl ApplicationType {
    /// Reads a type; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Web, Self::Native].into_iter().find(|kind| kind.as_str() == text)
    }

    /// As it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

macro_rules! display_as_sent {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    )*};
}
display_as_sent!(GrantType, TokenEndpointAuthMethod, ApplicationType);
