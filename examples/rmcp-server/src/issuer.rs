//! What a resource server has to know of its authorization server: the keys that sign its tokens, and the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use guard::Keys;
use http::Request;
use oauth::{Clock, Issuer, Timestamp, jwk::JwkSet, metadata::AuthorizationServerMetadata, well_known};
use outbound::{Client, Egress, Limits};
use serde::de::DeserializeOwned;

/// How soon a new key is known here; the issuer announces one for longer before it signs with it.
const REFRESH: Duration = Duration::from_mins(1);

/// The issuer's keys, now and from now on. An issuer that is away later changes nothing: tokens are verified with the
/// keys that are known.
pub(crate) async fn follow_keys(issuer: &Issuer) -> anyhow::Result<Keys> {
    // Loopback for an issuer on this computer; leave that out where there is none.
    let client = Client::new(Egress::public().with_loopback());
    let url = jwks_url(&client, issuer).await?;
    let keys = Keys::default();
    keys.replace(&document::<JwkSet>(&client, &url).await?);
    tokio::spawn({
        let keys = keys.clone();
        async move {
            loop {
                tokio::time::sleep(REFRESH).await;
                match document(&client, &url).await {
                    Ok(jwk_set) => keys.replace(&jwk_set),
                    Err(error) => tracing::warn!(%error, "the issuer's keys stay as they were"),
                }
            }
        }
    });
    Ok(keys)
}

/// Where the keys are: in the metadata of the issuer (RFC 8414 §3), which must name itself exactly so (§3.3).
async fn jwks_url(client: &Client, issuer: &Issuer) -> anyhow::Result<String> {
    for url in well_known::authorization_server_urls(issuer) {
        let Ok(metadata) = document::<AuthorizationServerMetadata>(client, &url).await else { continue };
        ensure!(metadata.issuer == issuer.as_str(), "{url} is the metadata of another issuer");
        return metadata.jwks_uri.context("the issuer publishes no keys");
    }
    bail!("{issuer} has no metadata: is it running?")
}

async fn document<D: DeserializeOwned>(client: &Client, url: &str) -> anyhow::Result<D> {
    let response = client.send(Request::get(url).body(Bytes::new())?, Limits::DOCUMENT).await?;
    ensure!(response.status().is_success(), "{url} answers {}", response.status());
    Ok(serde_json::from_slice(response.body())?)
}

/// The guard is told the time, so that it can be tested at any.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the guard is handed")]
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(0) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
