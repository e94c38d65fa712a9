//! The smallest HTTP client: one request per connection, no redirects, no cookies, nothing hidden.

use std::net::SocketAddr;

use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The only value of a header; more than one fails the test.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().expect("header values are text"));
        assert!(values.next().is_none(), "{name} stands more than once in {:?}", self.headers);
        value
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// Sends the request as it is, with a `Host` header if it has none, and reads the whole answer.
pub(crate) async fn send(address: SocketAddr, request: Request<Bytes>) -> Answer {
    let (head, body) = start(address, request).await.expect("the server answers").into_parts();
    let body = body.collect().await.expect("the body arrives").to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}

/// Sends the request and returns as soon as the head of the answer is there.
pub(crate) async fn start(
    address: SocketAddr,
    mut request: Request<Bytes>,
) -> Result<http::Response<Incoming>, hyper::Error> {
    let host = address.to_string().parse().expect("an address is a header value");
    request.headers_mut().entry(header::HOST).or_insert(host);
    let stream = TcpStream::connect(address).await.expect("the server accepts connections");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request.map(Full::new)).await
}

/// A form (`application/x-www-form-urlencoded`) as the body of a POST to `path`.
pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into())
        .expect("the path is a valid target")
}

/// JSON as the body of a POST to `path`.
pub(crate) fn json(path: &str, body: &serde_json::Value) -> Request<Bytes> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into())
        .expect("the path is a valid target")
}
