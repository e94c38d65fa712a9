//! Security schemes: which credentials the operations of a document ask for.

use std::collections::BTreeMap;

/// Schemes that are needed together, each with the scopes that it has to have (`OpenAPI` 3.1 §4.8.30).
pub type SecurityRequirement = BTreeMap<String, Vec<String>>;

/// How a credential goes into a request (`OpenAPI` 3.1 §4.8.27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityScheme {
    /// A key in a header, query parameter or cookie.
    ApiKey {
        /// The name of the header, parameter or cookie.
        name: String,
        /// Where the key stands.
        location: ApiKeyLocation,
    },
    /// A scheme of HTTP authentication, in lower case: `basic`, `bearer`, …
    Http {
        /// The scheme.
        scheme: String,
    },
    /// OAuth 2.
    OAuth2 {
        /// The flows by which a token is got.
        flows: Vec<Flow>,
    },
    /// `OpenID` Connect.
    OpenIdConnect {
        /// The URL of the provider's metadata, as the document has it.
        url: String,
    },
    /// A certificate of the client.
    MutualTls,
    /// Something else, by the name of its type.
    Other(String),
}

/// Where an API key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyLocation {
    /// In a header.
    Header,
    /// In the query string (OA-13: never in a log).
    Query,
    /// In a cookie.
    Cookie,
}

/// One OAuth flow (`OpenAPI` 3.1 §4.8.29). URLs are as the document has them, for an operator to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// `authorizationCode`, `clientCredentials`, `implicit`, `password` or `deviceAuthorization`.
    pub kind: String,
    /// The authorization endpoint.
    pub authorization_url: Option<String>,
    /// The token endpoint.
    pub token_url: Option<String>,
    /// The endpoint for refreshing.
    pub refresh_url: Option<String>,
    /// Scopes with what they mean.
    pub scopes: BTreeMap<String, String>,
}
