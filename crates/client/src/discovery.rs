//! From the URL of an MCP server to its authorization server (RFC 9728, RFC 8414, MCP Authorization Discovery).
//!
//! 1. The *challenge* of a 401 names the metadata document; without a challenge there are two well-known places.
//! 2. The *protected resource metadata* must speak about the server that was asked (RFC 9728 §3.3).
//! 3. Its first eight authorization servers are considered; the one we know already is preferred.
//! 4. The *authorization server metadata* is probed in the order MCP prescribes, and its `issuer` must be identical
//!    to the one that was asked for (RFC 8414 §3.3).
//! 5. A server without any protected resource metadata is treated as in revision 2025-03-26: it is its own
//!    authorization server, at the root of its origin.
//!
//! Each step is a function that sends and a pure function that judges.

use http::StatusCode;
use oauth::{
    Issuer, ResourceIndicator, Scope,
    metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata},
    well_known,
};
use outbound::Limits;
use url::Url;

use crate::{challenge::Challenge, error::Error, request};

/// How many authorization servers of one resource are considered.
const AUTHORIZATION_SERVERS: usize = 8;

/// What is known about a protected resource and the authorization server that is used for it.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The resource indicator for authorization and token requests.
    pub resource: ResourceIndicator,
    /// The scopes of the resource's metadata, if it lists any.
    pub scopes_supported: Option<Scope>,
    /// The validated issuer identifier, byte for byte.
    pub issuer: String,
    /// The authorization server's metadata.
    pub metadata: AuthorizationServerMetadata,
}

/// Why a server's authorization server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// RFC 9728 §3.3: "If these values are not identical, the data contained in the response MUST NOT be used."
    #[error("the metadata of {server} speaks about another resource")]
    ResourceMismatch {
        /// The server that was asked.
        server: String,
    },
    /// The document at the URL is not protected resource metadata.
    #[error("{url} is not protected resource metadata: {reason}")]
    NotResourceMetadata {
        /// Where it was fetched.
        url: String,
        /// What is wrong with it, without its content.
        reason: &'static str,
    },
    /// The resource lists no authorization server that can be used.
    #[error("{server} lists no usable authorization server")]
    NoAuthorizationServer {
        /// The server that was asked.
        server: String,
    },
    /// None of the well-known places has metadata.
    #[error("the authorization server {issuer} publishes no metadata")]
    NoMetadata {
        /// The issuer that was asked.
        issuer: String,
    },
    /// RFC 8414 §3.3: the `issuer` must be identical to the one the URL was made from.
    #[error("the metadata of the authorization server {issuer} names another issuer")]
    IssuerMismatch {
        /// The issuer that was asked.
        issuer: String,
    },
}

/// Sends what is needed to find out about `server`. `known` is the issuer used so far, if any.
pub async fn discover(
    http: &outbound::Client,
    server: &ResourceIndicator,
    challenge: Option<&Challenge>,
    known: Option<&str>,
) -> Result<Discovery, Error> {
    let Some(resource) = protected_resource(http, server, challenge).await? else {
        return legacy(http, server).await;
    };
    let issuer = choose_issuer(&resource.authorization_servers, known)
        .ok_or_else(|| DiscoveryError::NoAuthorizationServer { server: server.to_string() })?;
    Ok(Discovery {
        metadata: authorization_server(http, &issuer).await?,
        issuer,
        scopes_supported: scope_of(&resource.scopes_supported),
        resource: resource.resource,
    })
}

/// Step 1 and 2. `None` when the server has no metadata at all.
async fn protected_resource(
    http: &outbound::Client,
    server: &ResourceIndicator,
    challenge: Option<&Challenge>,
) -> Result<Option<ProtectedResourceMetadata>, Error> {
    if let Some(url) = challenge.and_then(|challenge| challenge.resource_metadata.as_deref()) {
        let response = http.send(request::get(url)?, Limits::DOCUMENT).await?;
        return Ok(Some(judge_resource(server, url, response.status(), response.body())?));
    }
    for url in well_known::protected_resource_urls(server) {
        let response = http.send(request::get(&url)?, Limits::DOCUMENT).await?;
        if response.status() == StatusCode::OK && is_object(response.body()) {
            return Ok(Some(judge_resource(server, &url, response.status(), response.body())?));
        }
    }
    Ok(None)
}

/// Step 2, pure.
fn judge_resource(
    server: &ResourceIndicator,
    url: &str,
    status: StatusCode,
    body: &[u8],
) -> Result<ProtectedResourceMetadata, DiscoveryError> {
    let refuse = |reason| DiscoveryError::NotResourceMetadata { url: url.to_owned(), reason };
    if status != StatusCode::OK {
        return Err(refuse("the server did not answer 200"));
    }
    let metadata: ProtectedResourceMetadata = serde_json::from_slice(body)
        .map_err(|_| refuse("it is not a JSON object with a \"resource\" URL"))?;
    if !covers(&metadata.resource, server) {
        return Err(DiscoveryError::ResourceMismatch { server: server.to_string() });
    }
    Ok(metadata)
}

/// Whether metadata about `resource` may be used for `server`: the same URL, or, as the official SDKs accept it, the
/// same origin with a path above the server's.
fn covers(resource: &ResourceIndicator, server: &ResourceIndicator) -> bool {
    if resource == server {
        return true;
    }
    let above = resource.path().trim_end_matches('/');
    resource.origin() == server.origin()
        && !resource.as_str().contains('?')
        && server.path().strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Step 3, pure: the issuer that is known already, else the first that could be one.
fn choose_issuer(listed: &[String], known: Option<&str>) -> Option<String> {
    let considered = &listed[..listed.len().min(AUTHORIZATION_SERVERS)];
    let usable = || considered.iter().filter(|issuer| metadata_urls(issuer).is_some());
    usable().find(|issuer| Some(issuer.as_str()) == known).or_else(|| usable().next()).cloned()
}

/// Step 4: the metadata of `issuer`, which names no other one.
pub async fn authorization_server(
    http: &outbound::Client,
    issuer: &str,
) -> Result<AuthorizationServerMetadata, Error> {
    for url in metadata_urls(issuer).unwrap_or_default() {
        let response = http.send(request::get(&url)?, Limits::DOCUMENT).await?;
        if let Some(metadata) = judge_metadata(issuer, response.status(), response.body())? {
            return Ok(metadata);
        }
    }
    Err(DiscoveryError::NoMetadata { issuer: issuer.to_owned() }.into())
}

/// Step 4, pure. `None` when there is no metadata at this place.
fn judge_metadata(
    issuer: &str,
    status: StatusCode,
    body: &[u8],
) -> Result<Option<AuthorizationServerMetadata>, DiscoveryError> {
    if status != StatusCode::OK {
        return Ok(None);
    }
    let Ok(metadata) = serde_json::from_slice::<AuthorizationServerMetadata>(body) else { return Ok(None) };
    if metadata.issuer != issuer {
        return Err(DiscoveryError::IssuerMismatch { issuer: issuer.to_owned() });
    }
    Ok(Some(metadata))
}

/// The well-known places of an issuer, in order; `None` when the text is no issuer identifier. RFC 8414 §3.1: "any
/// terminating '/' MUST be removed before inserting".
fn metadata_urls(issuer: &str) -> Option<Vec<String>> {
    let issuer = Issuer::parse(issuer.strip_suffix('/').unwrap_or(issuer)).ok()?;
    Some(well_known::authorization_server_urls(&issuer))
}

/// Step 5: revision 2025-03-26, where the server is its own authorization server and its endpoints have fixed paths
/// when it publishes no metadata.
async fn legacy(http: &outbound::Client, server: &ResourceIndicator) -> Result<Discovery, Error> {
    let issuer = server.origin().to_owned();
    let url = format!("{issuer}{}", well_known::AUTHORIZATION_SERVER);
    let response = http.send(request::get(&url)?, Limits::DOCUMENT).await?;
    let published = judge_metadata(&issuer, response.status(), response.body())?;
    let metadata = published.map_or_else(|| default_endpoints(&issuer), Ok)?;
    Ok(Discovery { resource: server.clone(), scopes_supported: None, issuer, metadata })
}

/// Revision 2025-03-26, Authorization, Fallbacks for Servers without Metadata Discovery. That revision makes PKCE
/// mandatory, so S256 is taken for granted.
pub(crate) fn default_endpoints(issuer: &str) -> Result<AuthorizationServerMetadata, DiscoveryError> {
    let document = serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"),
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    });
    serde_json::from_value(document).map_err(|_| DiscoveryError::NoMetadata { issuer: issuer.to_owned() })
}

/// The listed scopes as a set; `None` when there are none.
pub fn scope_of(listed: &[String]) -> Option<Scope> {
    Scope::parse(&listed.join(" ")).ok().filter(|scope| !scope.is_empty())
}

/// Whether the body is a JSON object at all: a catch-all page with status 200 is not metadata.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// The canonical form of the URL that a person typed.
///
/// Fails unless it is `https`, or `http` on this computer, without user information and fragment.
pub fn server_url(text: &str) -> Result<ResourceIndicator, oauth::ResourceError> {
    let mut url = Url::parse(text.trim()).map_err(|_| oauth::ResourceError)?;
    url.set_fragment(None);
    ResourceIndicator::parse(url.as_str())
}

#[cfg(test)]
mod tests;
