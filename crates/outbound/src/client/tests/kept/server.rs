//! A server that says what it saw of connections and requests.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Method, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Barrier, Notify},
};

/// A server of HTTP/1.1 whose targets say what it does.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
}

struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    targets: Mutex<Vec<String>>,
    met: Barrier,
    leave: Notify,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::meeting(1).await
    }

    /// `/meet` is answered when that many have come.
    pub(super) async fn meeting(many: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            connections: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            targets: Mutex::default(),
            met: Barrier::new(many),
            leave: Notify::new(),
        });
        let seen_by_all = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = seen_by_all.clone();
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    tokio::select! {
                        () = seen.converse(stream) => {}
                        () = seen.leave.notified() => {}
                    }
                    seen.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen }
    }

    pub(super) fn get(&self, target: &str) -> Request<Bytes> {
        Request::get(format!("http://{}{target}", self.address)).body(Bytes::new()).unwrap()
    }

    pub(super) fn post(&self, target: &str) -> Request<Bytes> {
        let mut request = self.get(target);
        *request.method_mut() = Method::POST;
        request
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn closed(&self) -> usize {
        self.seen.closed.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> usize {
        self.targets().len()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.seen.targets.lock().unwrap().clone()
    }

    pub(super) fn leave(&self) {
        self.seen.leave.notify_waiters();
    }
}

impl Seen {
    async fn converse(&self, mut stream: TcpStream) {
        let mut received = Vec::new();
        while stream.read_buf(&mut received).await.is_ok_and(|count| count > 0) {
            let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(received.drain(..end + 4).collect()).unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            self.targets.lock().unwrap().push(target.clone());
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n";
            let answer = match path {
                "/ok" | "/leave" => format!("{ok}\r\nok"),
                "/meet" => {
                    self.met.wait().await;
                    format!("{ok}\r\nok")
                }
                "/head" => format!("{ok}x: {}\r\n\r\nok", "x".repeat(query.parse().unwrap())),
                "/close" => format!("{ok}connection: close\r\n\r\nok"),
                "/twice" => format!("{ok}\r\nok{ok}\r\nno"),
                "/half" => format!("{ok}\r\no"),
                "/without" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                "/empty" => "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
                "/endless" => {
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\npiece\r\n".to_owned()
                }
                "/taken" => return,
                _ => continue,
            };
            if stream.write_all(answer.as_bytes()).await.is_err() || matches!(path, "/leave" | "/half") {
                return;
            }
        }
    }
}
