//! Connections of HTTP/2, which requests share.

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

use super::*;
use crate::connection::{Connection, STREAM_WINDOW, UNDER_WAY};

#[tokio::test]
async fn one_connection_of_http_2_takes_all_requests() {
    let server = Server::meeting(10).await;
    let client = server.client().await;
    for _ in 0..2 {
        assert_eq!(server.meet(&client, 10).await, vec![server.url("/meet"); 10]);
        assert_eq!(client.pool.free(), 1);
    }
    assert_eq!(server.connections(), 1);
    pass(IDLE + Duration::from_secs(1)).await;
    until(|| server.closed() == 1).await;
    assert_eq!(client.pool.free(), 0);
}

/// The other side need not take more than a hundred at a time, and one that is too many would wait for another to end.
#[tokio::test]
async fn a_connection_with_many_requests_under_way_is_left_to_them() {
    let server = Server::meeting(UNDER_WAY + 1).await;
    let client = server.client().await;
    for _ in 0..2 {
        let met = server.meet(&client, UNDER_WAY + 1).await;
        let shared = met.iter().filter(|target| **target == server.url("/meet")).count();
        // The one more has a connection in the clear, where targets are paths.
        assert_eq!((shared, met.contains(&"/meet".to_owned())), (UNDER_WAY, true));
        until(|| client.pool.free() == 2).await;
    }
    assert_eq!((server.connections(), server.closed()), (2, 0));
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_up_no_other_and_count_until_they_are_dropped() {
    let server = Server::meeting(1).await;
    let client = server.client().await;
    let endless = request(&server.url("/endless"));
    let mut unread = Vec::new();
    for _ in 1..UNDER_WAY {
        unread.push(client.stream(endless.clone(), Limits::DOCUMENT).await.unwrap());
    }
    until(|| server.sent() >= unread.len() * STREAM_WINDOW as usize).await;
    let whole = request(&server.url("/whole"));
    for _ in 0..3 {
        let answer = client.send(whole.clone(), Limits { bytes: WHOLE, ..Limits::DOCUMENT }).await.unwrap();
        assert_eq!(answer.body().len(), WHOLE);
    }
    assert_eq!((server.connections(), client.pool.free()), (1, 1));
    unread.push(client.stream(endless, Limits::DOCUMENT).await.unwrap());
    assert_eq!(client.pool.free(), 0);
    unread.pop();
    assert_eq!(client.pool.free(), 1);
    client.send(whole, Limits { bytes: WHOLE, ..Limits::DOCUMENT }).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_network_has_forgotten_is_given_up() {
    let (near, _far) = duplex(1 << 20);
    let client = loopback();
    client.keep_shared("http://127.0.0.1:1/", Connection::http2(TokioIo::new(near)).await.unwrap());
    let hour = Duration::from_hours(1);
    let (start, limits) = (Instant::now(), Limits { headers: hour, total: hour, ..Limits::DOCUMENT });
    let error = client.send(request("http://127.0.0.1:1/"), limits).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(31), "{:?}", start.elapsed());
    assert_eq!(client.pool.free(), 0);
}

/// Size of the answer at `/whole`, in bytes.
const WHOLE: usize = 1 << 20;

/// A server of both versions of HTTP. `/meet` is answered with its target when as many have come as meet.
struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    sent: AtomicUsize,
    met: Barrier,
}

impl Server {
    async fn meeting(many: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            connections: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            met: Barrier::new(many),
        });
        let seen_by_all = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(seen_by_all.clone().converse(stream));
            }
        });
        Self { address, seen }
    }

    /// A client that has a connection of HTTP/2. TLS is what agrees upon it, with a certificate that this machine trusts;
    /// here it is agreed upon already.
    async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let client = loopback();
        client.keep_shared(&self.url("/"), Connection::http2(TokioIo::new(stream)).await.unwrap());
        client
    }

    /// What that many requests at the same time are answered.
    async fn meet(&self, client: &Client, many: usize) -> Vec<String> {
        let url = self.url("/meet");
        let sent = (0..many).map(|_| client.send(request(&url), Limits::DOCUMENT));
        let answers = futures_util::future::join_all(sent).await.into_iter();
        answers.map(|answer| String::from_utf8(answer.unwrap().into_body().into()).unwrap()).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    fn closed(&self) -> usize {
        self.seen.closed.load(Ordering::SeqCst)
    }

    /// How many bytes of answers without an end were made.
    fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::SeqCst)
    }
}

impl Seen {
    async fn converse(self: Arc<Self>, stream: TcpStream) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let answer = service_fn(|request| {
            let seen = self.clone();
            async move { Ok::<_, Infallible>(Response::new(seen.answer(&request).await)) }
        });
        let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        self.closed.fetch_add(1, Ordering::SeqCst);
    }

    async fn answer(self: Arc<Self>, request: &Request<Incoming>) -> ServerBody {
        match request.uri().path() {
            "/endless" => ServerBody::from_stream(stream::repeat_with(move || {
                let piece = vec![b'.'; 16 * 1024];
                self.sent.fetch_add(piece.len(), Ordering::SeqCst);
                Ok::<_, Infallible>(piece)
            })),
            "/whole" => vec![b'.'; WHOLE].into(),
            _ => {
                self.met.wait().await;
                request.uri().to_string().into()
            }
        }
    }
}

impl Client {
    fn keep_shared(&self, url: &str, connection: Connection) {
        self.pool.keep(&Origin::of(&url.parse().unwrap()).unwrap(), connection);
    }
}
