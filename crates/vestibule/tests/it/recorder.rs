//! A reverse proxy in front of the server that keeps every exchange: what clients really sent, and
//! what they were really answered, seen from outside of both.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
};

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http_client;

/// One request and its answer. What is said on an event stream is passed on, and kept with everything else that was
/// said.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) request_headers: HeaderMap,
    pub(crate) request_body: Bytes,
    pub(crate) status: StatusCode,
    pub(crate) response_headers: HeaderMap,
}

impl Exchange {
    /// Whether this is a request with that method to that path.
    pub(crate) fn is(&self, method: &Method, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// The bearer token of the request.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.request_headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
    }

    /// The fields of a form that the client sent.
    pub(crate) fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(&self.request_body).into_owned().collect()
    }
}

/// The running proxy; it ends with the value.
pub(crate) struct Recorder {
    address: SocketAddr,
    tape: Arc<Tape>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Tape {
    upstream: OnceLock<SocketAddr>,
    exchanges: Mutex<Vec<Exchange>>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    /// Listens on a free port, so that the server can be told its public URL before it starts.
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let tape = Arc::new(Tape::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&tape)));
        Self { address, tape, accepting }
    }

    /// The proxy's own URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests are passed on to this server.
    pub(crate) fn forward_to(&self, upstream: SocketAddr) {
        self.tape.upstream.set(upstream).expect("a recorder stands before one server");
    }

    /// Where the proxy listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The exchanges so far, in the order of their answers.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.tape.exchanges.lock().expect("no holder of the lock panics").clone()
    }

    /// Every byte of every body that the server has answered, streams too.
    pub(crate) fn said(&self) -> Vec<u8> {
        self.tape.said.lock().expect("no holder of the lock panics").clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, tape: Arc<Tape>) {
    while let Ok((stream, _)) = listener.accept().await {
        let tape = Arc::clone(&tape);
        let service = service_fn(move |request| {
            let tape = Arc::clone(&tape);
            async move { Ok::<_, Infallible>(tape.pass_on(request).await) }
        });
        // A client that goes away ends its own connection, not the test.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Tape {
    async fn pass_on(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, hyper::Error>> {
        let (head, body) = request.into_parts();
        let request_body = body.collect().await.expect("the request arrives").to_bytes();
        let upstream = *self.upstream.get().expect("the server runs before its clients");
        let forwarded = Request::from_parts(head.clone(), request_body.clone());
        let response = http_client::start(upstream, forwarded).await.expect("the server answers");
        let (answer, body) = response.into_parts();
        let is_stream = answer
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let said = Arc::clone(&self.said);
        let body = body.map_frame(move |frame| {
            let data = frame.data_ref().map_or(&[][..], AsRef::as_ref);
            said.lock().expect("no holder of the lock panics").extend_from_slice(data);
            frame
        });
        let body = if is_stream {
            body.boxed()
        } else {
            let whole = body.collect().await.expect("the answer arrives").to_bytes();
            Full::new(whole).map_err(|never| match never {}).boxed()
        };
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        self.exchanges.lock().expect("no holder of the lock panics").push(Exchange {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: query.into_owned().collect(),
            request_headers: head.headers,
            request_body,
            status: answer.status,
            response_headers: answer.headers.clone(),
        });
        Response::from_parts(answer, body)
    }
}
