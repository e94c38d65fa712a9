//! A connection that may break at any moment.

use std::{net::SocketAddr, time::Duration};

use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::http_client::Answer;

/// Longer than any answer takes: a server that lives and does not answer is a violation, not an outage.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// A connection to the server that is kept open.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Connection {
    /// `None` when nobody listens any more.
    pub(super) async fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Self { sender, address })
    }

    /// The whole answer, or `None` when the connection broke before its last byte.
    pub(super) async fn send(&mut self, mut request: Request<Bytes>) -> Option<Answer> {
        let host = self.address.to_string().parse().expect("an address is a header value");
        request.headers_mut().insert(header::HOST, host);
        let answer = timeout(ANSWERS_WITHIN, self.exchange(request.map(Full::new))).await;
        answer.expect("the server answers or its connections break")
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Option<Answer> {
        self.sender.ready().await.ok()?;
        let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: head.status, headers: head.headers, body })
    }
}
