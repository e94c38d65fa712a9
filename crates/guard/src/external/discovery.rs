//! An issuer's metadata (RFC 8414 §3, OpenID Connect Discovery §4).

use bytes::Bytes;
use http::{Request, StatusCode, header};
use oauth::{Issuer, metadata::AuthorizationServerMetadata, well_known};
use outbound::{Client, Limits};

/// Why there is no document to use.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    #[error("the URL {0:?} is none")]
    Url(String),
    #[error("{0} answered with status {1}")]
    Status(String, StatusCode),
    #[error("{0} is not the document that it should be")]
    Malformed(String),
    #[error("{0} is the metadata of another issuer")]
    Issuer(String),
    #[error("the metadata of the issuer names no {0}")]
    Missing(&'static str),
}

/// The metadata of `issuer`, from the first place that has some.
pub(super) async fn metadata(
    client: &Client,
    issuer: &Issuer,
) -> Result<AuthorizationServerMetadata, DiscoveryError> {
    let mut failure = DiscoveryError::Missing("place");
    for url in well_known::authorization_server_urls(issuer) {
        match document(client, &url).await {
            Ok(document) => match serde_json::from_slice::<AuthorizationServerMetadata>(&document) {
                // RFC 8414 §3.3: "If these values are not identical, the data contained in the response MUST NOT be used."
                Ok(metadata) if metadata.issuer == issuer.as_str() => return Ok(metadata),
                Ok(_) => return Err(DiscoveryError::Issuer(url)),
                Err(_) => failure = DiscoveryError::Malformed(url),
            },
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// What is at `url`.
pub(super) async fn document(client: &Client, url: &str) -> Result<Bytes, DiscoveryError> {
    let request = Request::get(url).header(header::ACCEPT, "application/json").body(Bytes::new());
    let request = request.map_err(|_| DiscoveryError::Url(url.to_owned()))?;
    let response = client.send(request, Limits::DOCUMENT).await?;
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(DiscoveryError::Status(url.to_owned(), status)),
    }
}
