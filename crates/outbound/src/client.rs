//! The client itself: checks the URL, sends, bounds the answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::{
    body::Body,
    connector::{GuardedConnector, Resolve, SystemResolver, bare_host},
    egress::Egress,
    error::Error,
    tls::TlsConnector,
};

/// What one request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Greatest size of the response body, in bytes. Nothing is decompressed.
    pub bytes: usize,
    /// Longest time until the response's status and headers are there, connecting included.
    pub headers: Duration,
    /// Longest time until the whole body is there, from the start of the request.
    pub total: Duration,
}

impl Limits {
    /// A metadata document or a key set: 256 KiB within five seconds.
    pub const DOCUMENT: Self =
        Self { bytes: 256 * 1024, headers: Duration::from_secs(5), total: Duration::from_secs(5) };
}

/// The HTTP client. Cheap to clone; clones share their connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = outbound::Client::new(outbound::Egress::public());
/// let request = http::Request::get("https://issuer.example/.well-known/oauth-authorization-server");
/// let response = client.send(request.body(bytes::Bytes::new())?, outbound::Limits::DOCUMENT).await?;
/// println!("{} bytes", response.body().len());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    hyper: hyper_util::client::legacy::Client<TlsConnector, Full<Bytes>>,
}

impl Client {
    /// A client that connects only where `egress` lets it.
    pub fn new(egress: Egress) -> Self {
        Self::with_resolver(egress, Arc::new(SystemResolver))
    }

    fn with_resolver(egress: Egress, resolver: Arc<dyn Resolve>) -> Self {
        let connector = TlsConnector::new(GuardedConnector::new(egress, resolver));
        let hyper = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .http1_max_buf_size(64 * 1024)
            .http2_max_header_list_size(64 * 1024)
            .build(connector);
        Self { hyper }
    }

    /// Sends `request` and reads the whole answer. Redirects are not followed.
    pub async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, Error> {
        let (head, body) = self.stream(request, limits).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?))
    }

    /// Sends `request` and hands over the answer as soon as its headers are there. Redirects are not followed.
    pub async fn stream(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Body>, Error> {
        requestable(request.uri())?;
        let uri = request.uri().clone();
        let start = Instant::now();
        let headers = start + limits.headers.min(limits.total);
        let response = match timeout_at(headers, self.hyper.request(request.map(Full::new))).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Error::from_hyper(bare_host(&uri), &error)),
            Err(_) => {
                let host = bare_host(&uri).to_owned();
                return Err(Error::Timeout { host, limit: limits.headers.min(limits.total) });
            }
        };
        Ok(response.map(|incoming| Body::new(incoming, uri, limits, start + limits.total)))
    }
}

/// Step 1 of the crate's essay.
fn requestable(uri: &Uri) -> Result<(), Error> {
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Error::InvalidUrl("it is neither http nor https"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Error::InvalidUrl("it contains user information"));
    }
    match bare_host(uri) {
        "" => Err(Error::InvalidUrl("it has no host")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
