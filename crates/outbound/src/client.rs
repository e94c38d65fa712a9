//! The client itself: checks the URL, sends, bounds the answer.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::{
    body::Body,
    connection::{Connection, Outgoing, Sent},
    connector::{GuardedConnector, Resolve, SystemResolver},
    egress::Egress,
    error::Error,
    origin::Origin,
    pool::{Lease, Pool},
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
    connector: TlsConnector,
    pool: Arc<Pool>,
}

impl Client {
    /// A client that connects only where `egress` lets it.
    pub fn new(egress: Egress) -> Self {
        Self::with_resolver(egress, Arc::new(SystemResolver))
    }

    fn with_resolver(egress: Egress, resolver: Arc<dyn Resolve>) -> Self {
        let connector = TlsConnector::new(GuardedConnector::new(egress, resolver));
        Self { connector, pool: Arc::default() }
    }

    /// Sends `request` and reads the whole answer. Redirects are not followed.
    pub async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, Error> {
        let (head, body) = self.stream(request, limits).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?))
    }

    /// Sends `request` and hands over the answer as soon as its headers are there. Redirects are not followed.
    pub async fn stream(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Body>, Error> {
        let origin = Origin::of(request.uri())?;
        let start = Instant::now();
        let limit = limits.headers.min(limits.total);
        let answer = timeout_at(start + limit, self.answer(&origin, request.map(Full::new))).await;
        let (response, connection) =
            answer.map_err(|_| Error::Timeout { host: origin.host().to_owned(), limit })??;
        let lease = Lease::new(&self.pool, origin, connection);
        Ok(response.map(|incoming| Body::new(incoming, lease, limits, start + limits.total)))
    }

    /// The answer, and the connection that it comes on.
    ///
    /// A kept connection may have been closed by the other side just now. Then, and only when nothing of the request was
    /// sent, it goes out on the next one.
    async fn answer(
        &self,
        origin: &Origin,
        mut request: Outgoing,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        let uri = mem::take(request.uri_mut());
        loop {
            let kept = self.pool.take(origin);
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(kept) => kept,
                None => Box::pin(self.connect(origin, &uri)).await?,
            };
            request = match connection.send(&uri, request).await {
                Sent::Answered(response) => return Ok((response, connection)),
                Sent::GivenBack(unsent) if is_kept => unsent,
                Sent::GivenBack(_) | Sent::Broken => {
                    return Err(Error::Broken { host: origin.host().to_owned() });
                }
            };
        }
    }

    async fn connect(&self, origin: &Origin, uri: &Uri) -> Result<Connection, Error> {
        let connection = Connection::open(self.connector.clone(), uri).await?;
        if let Some(shared) = connection.share() {
            self.pool.keep(origin, shared);
        }
        Ok(connection)
    }
}

#[cfg(test)]
mod tests;
