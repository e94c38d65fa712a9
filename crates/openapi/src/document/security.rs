//! Security schemes: which credentials the operations of a document ask for.

use std::collections::BTreeMap;

use serde_json::Value;

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

/// Reads one scheme, of Swagger 2 as well.
pub(super) fn scheme(scheme: &Value) -> SecurityScheme {
    let text = |member: &str| scheme.get(member).and_then(Value::as_str).map(str::to_owned);
    match text("type").unwrap_or_default().as_str() {
        "apiKey" => SecurityScheme::ApiKey {
            name: text("name").unwrap_or_default(),
            location: match text("in").as_deref() {
                Some("query") => ApiKeyLocation::Query,
                Some("cookie") => ApiKeyLocation::Cookie,
                _ => ApiKeyLocation::Header,
            },
        },
        "http" => SecurityScheme::Http { scheme: text("scheme").unwrap_or_default().to_ascii_lowercase() },
        "basic" => SecurityScheme::Http { scheme: "basic".to_owned() },
        "oauth2" => SecurityScheme::OAuth2 { flows: flows(scheme) },
        "openIdConnect" => {
            SecurityScheme::OpenIdConnect { url: text("openIdConnectUrl").unwrap_or_default() }
        }
        "mutualTLS" => SecurityScheme::MutualTls,
        other => SecurityScheme::Other(other.to_owned()),
    }
}

fn flows(scheme: &Value) -> Vec<Flow> {
    match scheme.get("flows").and_then(Value::as_object) {
        Some(flows) => flows.iter().map(|(kind, flow)| read_flow(kind, flow)).collect(),
        // Swagger 2 has one flow, in the scheme itself.
        None => {
            let kind = match scheme.get("flow").and_then(Value::as_str) {
                Some("accessCode") => "authorizationCode",
                Some("application") => "clientCredentials",
                Some(other) => other,
                None => return Vec::new(),
            };
            vec![read_flow(kind, scheme)]
        }
    }
}

fn read_flow(kind: &str, flow: &Value) -> Flow {
    let text = |member: &str| flow.get(member).and_then(Value::as_str).map(str::to_owned);
    let scopes = flow.get("scopes").and_then(Value::as_object).into_iter().flatten();
    Flow {
        kind: kind.to_owned(),
        authorization_url: text("authorizationUrl"),
        token_url: text("tokenUrl"),
        refresh_url: text("refreshUrl"),
        scopes: scopes
            .map(|(scope, meaning)| (scope.clone(), meaning.as_str().unwrap_or_default().to_owned()))
            .collect(),
    }
}

/// Reads `security`: alternatives, each of schemes that are needed together. An empty alternative says that the call goes
/// without credentials too.
pub(crate) fn requirements(security: Option<&Value>) -> Vec<SecurityRequirement> {
    let alternatives = security.and_then(Value::as_array).into_iter().flatten();
    alternatives
        .filter_map(Value::as_object)
        .map(|schemes| schemes.iter().map(requirement).collect())
        .collect()
}

fn requirement((scheme, scopes): (&String, &Value)) -> (String, Vec<String>) {
    let scopes = scopes.as_array().into_iter().flatten();
    (scheme.clone(), scopes.filter_map(Value::as_str).map(str::to_owned).collect())
}
