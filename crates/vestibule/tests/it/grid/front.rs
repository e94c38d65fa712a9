//! What stands between the suite and the server that it looks at, because the suite cannot be told: it sends no token,
//! and its clients with sessions all ask for the same revision.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use http::{HeaderValue, Request, Response, StatusCode, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Either, Empty};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http_client;

const ENDPOINT: &str = "/mcp";

/// Where requests go, and what is changed about them.
pub(super) struct Front {
    pub(super) server: SocketAddr,
    /// The endpoint there, which clients find at `/mcp`. What else it names stays where it is.
    pub(super) path: String,
    /// The access token of every request.
    pub(super) token: Option<String>,
    /// The revision that `initialize` asks for.
    pub(super) revision: &'static str,
}

/// A front that listens; it ends with the value.
pub(super) struct Listening {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listening {
    pub(super) fn url(&self) -> String {
        format!("http://{}{ENDPOINT}", self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Front {
    pub(super) async fn listen(self) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let accepting = tokio::spawn(accept(listener, Arc::new(self)));
        Listening { address, accepting }
    }

    async fn pass_on(&self, request: Request<Incoming>) -> Response<Either<Empty<Bytes>, Incoming>> {
        let (mut head, body) = request.into_parts();
        if head.uri.path() == ENDPOINT {
            head.uri = PathAndQuery::try_from(self.path.as_str()).expect("the path is one").into();
        }
        if let Some(token) = &self.token {
            let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is a header value");
            head.headers.insert(header::AUTHORIZATION, bearer);
        }
        head.headers.remove(header::CONTENT_LENGTH);
        let Ok(body) = body.collect().await else { return bad_gateway() };
        let body = self.in_our_revision(body.to_bytes());
        match http_client::start(self.server, Request::from_parts(head, body)).await {
            Ok(response) => response.map(Either::Right),
            Err(_) => bad_gateway(),
        }
    }

    fn in_our_revision(&self, body: Bytes) -> Bytes {
        let Ok(mut message) = serde_json::from_slice::<Value>(&body) else { return body };
        if message["method"] != "initialize" {
            return body;
        }
        message["params"]["protocolVersion"] = self.revision.into();
        message.to_string().into()
    }
}

fn bad_gateway() -> Response<Either<Empty<Bytes>, Incoming>> {
    let mut response = Response::new(Either::Left(Empty::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

async fn accept(listener: TcpListener, front: Arc<Front>) {
    while let Ok((stream, _)) = listener.accept().await {
        let front = front.clone();
        let service = service_fn(move |request| {
            let front = front.clone();
            async move { Ok::<_, Infallible>(front.pass_on(request).await) }
        });
        // A client that goes away ends its own connection, not the test.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
