//! One connection to an origin, and what becomes of a request on it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::HOST};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
    rt::{Read, Write},
};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::{connector::bare_host, error::Error, tls::TlsConnector};

/// Greatest size of a response's head, in bytes.
const HEAD: u32 = 64 * 1024;

/// How many requests are sent on one connection of HTTP/2 at the same time.
///
/// Beyond what the other side permits, a request would wait in `hyper` for another one to end. RFC 9113 §6.5.2 recommends
/// that it permits 100 or more. The distance is for requests that were cancelled: they count until it has heard of that.
pub(crate) const UNDER_WAY: usize = 64;

/// How much of one answer over HTTP/2 the other side sends before somebody reads it, in bytes.
pub(crate) const STREAM_WINDOW: u32 = 256 * 1024;

/// The same of all answers on a connection together. It is four times what [`UNDER_WAY`] of them come to, so that those
/// which nobody reads never stop one that is read.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// How long nothing comes on a connection of HTTP/2 with a request under way before the other side is asked for a sign of
/// life. A network that has forgotten a connection says nothing, and the kernel takes a quarter of an hour to give it up.
const SILENCE: Duration = Duration::from_secs(20);

/// How long the other side has to give it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// What is sent.
pub(crate) type Outgoing = Request<Full<Bytes>>;

/// A connection. A task of its own reads and writes; it ends when the connection does, or when this is dropped and
/// nothing is under way any more.
pub(crate) enum Connection {
    /// For one request at a time; with what its origin is called in `Host`.
    Http1(http1::SendRequest<Full<Bytes>>, HeaderValue),
    /// For many at a time; with what each of them has a clone of, and the pool one more.
    Http2(http2::SendRequest<Full<Bytes>>, Arc<()>),
}

/// What became of a request.
pub(crate) enum Sent {
    Answered(Response<Incoming>),
    /// The connection had ended before anything of the request was sent.
    GivenBack(Outgoing),
    /// What the other side saw of it is not known.
    Broken,
}

impl Connection {
    /// Steps 2 to 4 of the crate's essay, and whatever version of HTTP TLS agreed upon.
    pub(crate) async fn open(mut connector: TlsConnector, uri: &Uri) -> Result<Self, Error> {
        let host = bare_host(uri);
        let connected = connector.call(uri.clone()).await;
        let stream = connected.map_err(|error| Error::of_connecting(host, &*error))?;
        // Each is written out, so that a connection in the clear has no room for TLS.
        let opened = match stream {
            MaybeHttpsStream::Http(stream) => Self::http1(stream, uri).await,
            MaybeHttpsStream::Https(stream) if stream.inner().get_ref().1.alpn_protocol() == Some(b"h2") => {
                Self::http2(stream).await
            }
            MaybeHttpsStream::Https(stream) => Self::http1(stream, uri).await,
        };
        let connection = opened.map_err(|_| Error::Broken { host: host.to_owned() })?;
        tracing::trace!(host, is_shared = connection.is_shared(), "connected");
        Ok(connection)
    }

    async fn http1(stream: impl Stream, uri: &Uri) -> hyper::Result<Self> {
        let (sender, connection) =
            http1::Builder::new().max_buf_size(HEAD as usize).handshake(stream).await?;
        // Its errors are those of its requests. Without one under way, they are nobody's.
        tokio::spawn(connection);
        Ok(Self::Http1(sender, host(uri)))
    }

    pub(crate) async fn http2(stream: impl Stream) -> hyper::Result<Self> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(SILENCE)
            .keep_alive_timeout(SIGN_OF_LIFE);
        let (sender, connection) = builder.handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self::Http2(sender, Arc::default()))
    }

    /// Whether it can send: HTTP/1.1 is done with the last request, HTTP/2 has not ended.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender, _) => sender.is_ready(),
            Self::Http2(sender, _) => sender.is_ready(),
        }
    }

    /// Waits until the next request can be sent; `false` when there will be none.
    pub(crate) async fn ready(&mut self) -> bool {
        match self {
            Self::Http1(sender, _) => sender.ready().await.is_ok(),
            Self::Http2(sender, _) => sender.ready().await.is_ok(),
        }
    }

    /// Whether it takes many requests at a time.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Http2(..))
    }

    /// Whether a kept connection has as many requests under way as it takes.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Http1(..) => false,
            Self::Http2(_, clones) => Arc::strong_count(clones) > UNDER_WAY,
        }
    }

    /// The same connection for another request, if it takes many.
    pub(crate) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(..) => None,
            Self::Http2(sender, clones) => Some(Self::Http2(sender.clone(), clones.clone())),
        }
    }

    /// Sends a request to `uri`, and waits for the head of the answer.
    pub(crate) async fn send(&mut self, uri: &Uri, mut request: Outgoing) -> Sent {
        let answer = match self {
            Self::Http1(sender, host) => {
                *request.uri_mut() = origin_form(uri);
                request.headers_mut().entry(HOST).or_insert_with(|| host.clone());
                sender.try_send_request(request).await
            }
            Self::Http2(sender, _) => {
                *request.uri_mut() = uri.clone();
                sender.try_send_request(request).await
            }
        };
        answer.map_or_else(Sent::from, Sent::Answered)
    }
}

impl From<TrySendError<Outgoing>> for Sent {
    fn from(mut error: TrySendError<Outgoing>) -> Self {
        error.take_message().map_or(Self::Broken, Self::GivenBack)
    }
}

/// What HTTP is spoken over.
pub(crate) trait Stream: Read + Write + Unpin + Send + 'static {}

impl<T: Read + Write + Unpin + Send + 'static> Stream for T {}

/// RFC 9112 §3.2.1.
fn origin_form(uri: &Uri) -> Uri {
    match uri.path_and_query() {
        Some(path) if path != "/" => path.clone().into(),
        _ => Uri::default(),
    }
}

/// Without the port that the scheme has by itself (RFC 9110 §4.2.3).
fn host(uri: &Uri) -> HeaderValue {
    let host = uri.host().unwrap_or_default();
    let default_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let text = match uri.port_u16() {
        Some(port) if port != default_port => format!("{host}:{port}"),
        _ => host.to_owned(),
    };
    text.try_into().expect("a host has no character that a header value cannot have")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_hosts_are_written_as_http_has_them() {
        for (url, target, named) in [
            ("http://a.test", "/", "a.test"),
            ("http://a.test/", "/", "a.test"),
            ("http://a.test:80/x", "/x", "a.test"),
            ("http://a.test:443/x", "/x", "a.test:443"),
            ("https://a.test:443?q=%20", "/?q=%20", "a.test"),
            ("https://a.test:8443/x/../y?q=/", "/x/../y?q=/", "a.test:8443"),
            ("https://[::1]:7//x", "//x", "[::1]:7"),
        ] {
            let uri: Uri = url.parse().unwrap();
            assert_eq!(
                (origin_form(&uri).to_string().as_str(), host(&uri).to_str().unwrap()),
                (target, named)
            );
        }
    }
}
