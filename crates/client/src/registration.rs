//! Who we are to an authorization server (MCP Client Registration Approaches; RFC 7591).
//!
//! In this order: a client registered by hand, the URL of our metadata document when the server takes one, an earlier
//! dynamic registration at this very issuer, a new dynamic registration.

use http::StatusCode;
use oauth::{
    ApplicationType, GrantType, Timestamp, TokenEndpointAuthMethod,
    metadata::AuthorizationServerMetadata,
    registration::{ClientInformation, ClientMetadata},
};
use secret::Secret;
use serde::{Deserialize, Serialize};

use crate::{error::Error, refusal::Refusal, request, token_store::clear_text};

/// The longest identifier or secret that is kept, in bytes.
const LONGEST: usize = 4096;

/// Our identity at one authorization server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// The client identifier.
    pub client_id: String,
    /// The secret, unless the method is `none`.
    #[serde(default, with = "clear_text::optional", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret<String>>,
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// When the secret ends; milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A client that somebody registered by hand.
#[derive(Clone, Debug)]
pub struct PreRegistered {
    /// The client identifier.
    pub client_id: String,
    /// The secret of a confidential client.
    pub client_secret: Option<Secret<String>>,
    /// The only issuer that may see these credentials; `None` for the first one that a login meets.
    pub issuer: Option<String>,
}

/// Where our identity comes from.
#[derive(Debug)]
pub enum Choice {
    /// It is known.
    Known(Registration),
    /// It has to be registered at this endpoint, with this method.
    Register {
        /// The registration endpoint.
        endpoint: String,
        /// How the client will authenticate.
        method: TokenEndpointAuthMethod,
    },
}

/// Why we have no identity at an authorization server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// There is no way to register.
    #[error("{issuer} offers no registration: register a client there and pass its identifier")]
    NotOffered {
        /// The issuer.
        issuer: String,
    },
    /// The registered credentials belong to another issuer.
    #[error("the client is registered at {expected}, but the server now uses {found}")]
    OtherIssuer {
        /// Where it is registered.
        expected: String,
        /// What was discovered.
        found: String,
    },
    /// The server wants an authentication method that is not implemented.
    #[error("the authorization server takes no authentication method that this client has")]
    Method,
    /// The server said no.
    #[error("the registration was refused: {0}")]
    Refused(Refusal),
    /// The answer is not what RFC 7591 §3.2.1 asks for.
    #[error("the registration response cannot be used: {0}")]
    Malformed(&'static str),
}

/// Decides who to be at the server behind `metadata`. `stored` is the registration kept for this issuer.
pub fn choose(
    metadata: &AuthorizationServerMetadata,
    pre_registered: Option<&PreRegistered>,
    metadata_document: Option<&str>,
    stored: Option<Registration>,
    now: Timestamp,
) -> Result<Choice, RegistrationError> {
    if let Some(client) = pre_registered {
        return by_hand(metadata, client).map(Choice::Known);
    }
    if let Some(url) = metadata_document.filter(|_| metadata.client_id_metadata_document_supported) {
        return Ok(Choice::Known(Registration {
            client_id: url.to_owned(),
            client_secret: None,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            expires_at: None,
        }));
    }
    if let Some(stored) = stored.filter(|stored| stored.expires_at.is_none_or(|end| end > now)) {
        return Ok(Choice::Known(stored));
    }
    match &metadata.registration_endpoint {
        Some(endpoint) => Ok(Choice::Register { endpoint: endpoint.clone(), method: method(metadata)? }),
        None => Err(RegistrationError::NotOffered { issuer: metadata.issuer.clone() }),
    }
}

/// A client registered by hand, at the issuer it belongs to.
pub(crate) fn by_hand(
    metadata: &AuthorizationServerMetadata,
    client: &PreRegistered,
) -> Result<Registration, RegistrationError> {
    if let Some(expected) = client.issuer.as_ref().filter(|expected| **expected != metadata.issuer) {
        let (expected, found) = (expected.clone(), metadata.issuer.clone());
        return Err(RegistrationError::OtherIssuer { expected, found });
    }
    let token_endpoint_auth_method = match client.client_secret {
        Some(_) => secret_method(metadata).ok_or(RegistrationError::Method)?,
        None => TokenEndpointAuthMethod::None,
    };
    Ok(Registration {
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone(),
        token_endpoint_auth_method,
        expires_at: None,
    })
}

/// A native app keeps no secret (RFC 8252 §8.4), so `none` comes first.
fn method(metadata: &AuthorizationServerMetadata) -> Result<TokenEndpointAuthMethod, RegistrationError> {
    if supports(metadata, TokenEndpointAuthMethod::None) {
        return Ok(TokenEndpointAuthMethod::None);
    }
    secret_method(metadata).ok_or(RegistrationError::Method)
}

/// How a secret is sent. RFC 8414 §2: "If omitted, the default is `client_secret_basic`".
pub fn secret_method(metadata: &AuthorizationServerMetadata) -> Option<TokenEndpointAuthMethod> {
    use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost};
    if metadata.token_endpoint_auth_methods_supported.is_empty() {
        return Some(ClientSecretBasic);
    }
    [ClientSecretBasic, ClientSecretPost].into_iter().find(|method| supports(metadata, *method))
}

fn supports(metadata: &AuthorizationServerMetadata, method: TokenEndpointAuthMethod) -> bool {
    metadata.token_endpoint_auth_methods_supported.iter().any(|supported| supported == method.as_str())
}

/// Sends a dynamic registration of a client that is a `kind` of application.
pub async fn register(
    http: &outbound::Client,
    endpoint: &str,
    client_name: &str,
    redirect_uri: &str,
    method: TokenEndpointAuthMethod,
    kind: ApplicationType,
) -> Result<Registration, Error> {
    let metadata = ClientMetadata {
        redirect_uris: Some(vec![redirect_uri.to_owned()]),
        token_endpoint_auth_method: Some(method.to_string()),
        grant_types: Some(
            [GrantType::AuthorizationCode, GrantType::RefreshToken].map(|grant| grant.to_string()).to_vec(),
        ),
        response_types: Some(vec!["code".to_owned()]),
        client_name: Some(client_name.to_owned()),
        application_type: Some(kind.to_string()),
        ..ClientMetadata::default()
    };
    let body = serde_json::to_vec(&metadata)
        .map_err(|_| RegistrationError::Malformed("the client metadata cannot be written"))?;
    let response = http.send(request::post_json(endpoint, body)?, request::ENDPOINT).await?;
    Ok(judge(response.status(), response.body(), redirect_uri, method)?)
}

/// Judges a registration response (RFC 7591 §3.2.1): the server may change metadata, but not so that the flow could
/// not work.
fn judge(
    status: StatusCode,
    body: &[u8],
    redirect_uri: &str,
    requested: TokenEndpointAuthMethod,
) -> Result<Registration, RegistrationError> {
    let malformed = RegistrationError::Malformed;
    if status != StatusCode::CREATED && status != StatusCode::OK {
        return Err(RegistrationError::Refused(Refusal::read(status, body)));
    }
    let information: ClientInformation =
        serde_json::from_slice(body).map_err(|_| malformed("it is not a JSON object with a client_id"))?;
    if !is_credential(&information.client_id) {
        return Err(malformed("the client_id is empty, too long or not printable"));
    }
    let metadata = &information.metadata;
    if metadata.redirect_uris.as_ref().is_some_and(|uris| !uris.iter().any(|uri| uri == redirect_uri)) {
        return Err(malformed("the redirect URI was changed"));
    }
    let code = GrantType::AuthorizationCode.as_str();
    if metadata.grant_types.as_ref().is_some_and(|grants| !grants.iter().any(|grant| grant == code)) {
        return Err(malformed("the authorization_code grant was taken away"));
    }
    let method = match metadata.token_endpoint_auth_method.as_deref() {
        Some(method) => TokenEndpointAuthMethod::parse(method)
            .ok_or(malformed("the authentication method is not implemented here"))?,
        None => requested,
    };
    let client_secret = information.client_secret.filter(|_| method.is_confidential());
    if method.is_confidential() && !client_secret.as_deref().is_some_and(is_credential) {
        return Err(malformed("the client_secret is missing, too long or not printable"));
    }
    Ok(Registration {
        client_id: information.client_id,
        client_secret: client_secret.map(Secret::new),
        token_endpoint_auth_method: method,
        expires_at: information
            .client_secret_expires_at
            .filter(|end| *end > 0 && method.is_confidential())
            .map(Timestamp::from_seconds),
    })
}

/// RFC 6749 Appendix A.1 and A.2: `*VSCHAR`, which is printable ASCII.
fn is_credential(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests;
