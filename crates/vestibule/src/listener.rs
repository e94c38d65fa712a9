//! The main listener: accepts connections, serves HTTP/1.1 and HTTP/2 (with prior knowledge) on them, and lets
//! requests finish when the server is asked to end.
//!
//! Every connection is bounded: in number, in the time its first request and each later head may take, and in the
//! number and size of header fields.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::{Router, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep, timeout, timeout_at},
};
use tower::Service as _;

use crate::{cli::exit::Stop, config::connections::Connections};

const MAXIMUM_HEADERS: usize = 100;
const MAXIMUM_HEAD_BYTES: u32 = 64 * 1024;
const MAXIMUM_STREAMS: u32 = 128;
/// How a connection of HTTP/2 begins (RFC 9113 §3.4); no request of HTTP/1 does.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// How often an idle HTTP/2 connection is asked whether it lives.
const PING_INTERVAL: Duration = Duration::from_mins(1);
/// How long to wait when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers requests. It is replaced as a whole, and no connection notices: a request is answered to its end by what
/// was there when it began, the next one on the same connection by what is there then.
#[derive(Clone)]
pub(crate) struct Routes(Arc<ArcSwap<Router>>);

impl Routes {
    /// Requests are answered by `router`.
    pub(crate) fn new(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// Requests that begin from now on are answered by `router`.
    pub(crate) fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    fn current(&self) -> Router {
        Router::clone(&self.0.load())
    }
}

/// A bound socket.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds; clients can connect from here on, and are answered from [`Listener::serve`] on.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
        let address = socket.local_addr().context("the socket has no address")?;
        Ok(Self { socket, address })
    }

    /// The address it is bound to, with the port that was picked.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` resolves, and then until the requests under way are finished. Those whose time is over are cut
    /// off, and so are all when this is dropped; what is told of a request when it ends is told before this returns.
    pub(crate) async fn serve(
        self,
        routes: &Routes,
        connections: &Connections,
        end: impl Future<Output = ()>,
    ) {
        let (phase, watched) = watch::channel(Phase::Serving);
        let server = Server {
            routes: routes.clone(),
            http1: Arc::new(http1(connections.header_timeout)),
            any: Arc::new(any(connections.header_timeout)),
            phase: watched,
            first_request_timeout: connections.header_timeout,
        };
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(connections.maximum.get() as usize));
        let accept = async {
            loop {
                let (stream, peer, place) = self.accept(&places).await;
                tokio::spawn(server.clone().serve(stream, peer, graceful.watcher(), place));
            }
        };
        tokio::select! {
            () = accept => {}
            () = end => {}
        }
        drop(self.socket);
        phase.send_replace(Phase::Draining);
        tracing::info!("asked to end; requests under way are finished first");
        let mut finished = pin!(graceful.shutdown());
        if timeout(connections.drain_timeout, finished.as_mut()).await.is_err() {
            tracing::warn!("some requests did not finish in time and are cut off");
            phase.send_replace(Phase::Cut);
            finished.await;
        }
    }

    /// The next connection, once there is a place for it.
    async fn accept(&self, places: &Arc<Semaphore>) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        let place = Arc::clone(places).acquire_owned().await.ok();
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return (stream, peer, place),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted now");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// How far the server is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests are taken.
    Serving,
    /// Those under way are finished, and no more are taken.
    Draining,
    /// What is still under way is dropped.
    Cut,
}

/// What every connection is served with.
#[derive(Clone)]
struct Server {
    routes: Routes,
    http1: Arc<http1::Builder>,
    any: Arc<auto::Builder<TokioExecutor>>,
    first_request_timeout: Duration,
    /// Without a sender it is as if [`Phase::Cut`] had been told.
    phase: watch::Receiver<Phase>,
}

impl Server {
    async fn serve(
        mut self,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
        _place: Option<OwnedSemaphorePermit>,
    ) {
        // Answers are small and complete: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let first_request_until = Instant::now() + self.first_request_timeout;
        let choice = timeout_at(first_request_until, Box::pin(self.may_be_http2(&stream))).await;
        let Ok(Some(may_be_http2)) = choice else { return };
        let is_used = Arc::new(AtomicBool::new(false));
        let service = {
            let (routes, is_used) = (self.routes.clone(), Arc::clone(&is_used));
            service_fn(move |mut request: Request<Incoming>| {
                is_used.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(ConnectInfo(peer));
                routes.current().call(request)
            })
        };
        let stream = TokioIo::new(stream);
        if may_be_http2 {
            let connection = watcher.watch(self.any.serve_connection(stream, service).into_owned());
            let connection = with_a_request(connection, first_request_until, &is_used);
            attend(Box::pin(connection).as_mut(), &mut self.phase).await;
        } else {
            let connection = pin!(watcher.watch(self.http1.serve_connection(stream, service)));
            attend(connection, &mut self.phase).await;
        }
    }

    /// Whether the client begins with what HTTP/2 begins with; `None` when it says nothing before the server ends.
    ///
    /// The first bytes are looked at and left where they are. Taken out, as they are where both protocols are possible,
    /// they would be given to HTTP/1 apart from the rest, which doubles the buffer that a connection reads into.
    async fn may_be_http2(&self, stream: &TcpStream) -> Option<bool> {
        let (mut first, mut phase) = ([0; HTTP2_PREFACE.len()], self.phase.clone());
        let seen = tokio::select! {
            seen = stream.peek(&mut first) => seen.ok()?,
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return None,
        };
        Some(HTTP2_PREFACE.starts_with(&first[..seen]))
    }
}

/// Serves a connection to its end, or until it is cut off. It stays where it is: moved in here, it would take its room
/// twice.
async fn attend<E: fmt::Display>(
    connection: Pin<&mut impl Future<Output = Result<(), E>>>,
    phase: &mut watch::Receiver<Phase>,
) {
    tokio::select! {
        result = connection => if let Err(error) = result {
            tracing::debug!(%error, "connection ended");
        },
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
    }
}

/// The connection, closed when no request comes until then. Where both protocols are possible, the header timeout of HTTP/1
/// begins only when the protocol is known.
async fn with_a_request<E>(
    connection: impl Future<Output = Result<(), E>>,
    until: Instant,
    is_used: &AtomicBool,
) -> Result<(), E> {
    let mut connection = pin!(connection);
    match timeout_at(until, connection.as_mut()).await {
        Err(_) if is_used.load(Ordering::Relaxed) => connection.await,
        Err(_) => Ok(()),
        Ok(result) => result,
    }
}

fn http1(header_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAXIMUM_HEADERS)
        .max_buf_size(MAXIMUM_HEAD_BYTES as usize);
    builder
}

fn any(header_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAXIMUM_HEADERS)
        .max_buf_size(MAXIMUM_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_concurrent_streams(MAXIMUM_STREAMS)
        .max_header_list_size(MAXIMUM_HEAD_BYTES);
    builder
}

/// The peer gave up before it was accepted; the socket itself is well.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Stop {
    let stop = Stop::failure(format!("cannot listen on {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => stop
            .hint("another program listens there; end it, or choose another port with --listen 127.0.0.1:0"),
        io::ErrorKind::PermissionDenied => {
            stop.hint("ports below 1024 are reserved; choose another with --listen")
        }
        _ => stop.hint("choose an address of this computer with --listen"),
    }
}

#[cfg(test)]
mod tests;
