//! The load: HTTP/1.1 over kept-open connections, with as little work of its own as possible.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// What one connection sends, one request after the other.
pub(crate) trait Client: Send + 'static {
    /// The next request, whole; `None` when there is nothing left to send.
    fn request(&mut self) -> Option<&[u8]>;

    /// Takes the whole answer.
    ///
    /// # Panics
    /// When it is not the answer that the row is about.
    fn take(&mut self, answer: &Answer<'_>);
}

/// An answer as it came.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

/// Lets every client send for `duration`, or until it has nothing left. Returns the clients, and requests per
/// second.
pub(crate) async fn run<C: Client>(
    address: SocketAddr,
    clients: Vec<C>,
    duration: Duration,
) -> (Vec<C>, f64) {
    let mut connections = Vec::new();
    for client in clients {
        connections.push((TcpStream::connect(address).await.expect("the server listens"), client));
    }
    let began = Instant::now();
    let running: JoinSet<_> =
        connections.into_iter().map(|(stream, client)| send(stream, client, began + duration)).collect();
    let done = tokio::select! {
        done = running.join_all() => done,
        () = stay_awake() => unreachable!("it never ends"),
    };
    let (clients, counts): (Vec<C>, Vec<u32>) = done.into_iter().unzip();
    (clients, f64::from(counts.into_iter().sum::<u32>()) / began.elapsed().as_secs_f64())
}

/// The median time of `times` requests of one client, one after the other.
pub(crate) async fn median_time<C: Client>(address: SocketAddr, mut client: C, times: usize) -> Duration {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket has this option");
        let (mut received, mut taken) = (Vec::with_capacity(16 * 1024), Vec::with_capacity(times));
        for _ in 0..times {
            let began = Instant::now();
            exchange(&mut stream, &mut client, &mut received).await;
            taken.push(began.elapsed());
        }
        taken.sort();
        taken[times / 2]
    };
    tokio::select! {
        median = ask => median,
        () = stay_awake() => unreachable!("it never ends"),
    }
}

/// Never lets the core of the load sleep. On a virtual machine waking a sleeping core costs the one that wakes it
/// more than a whole request does, and a server that is slower than the load would pay that for every answer.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn send<C: Client>(mut stream: TcpStream, mut client: C, end: Instant) -> (C, u32) {
    stream.set_nodelay(true).expect("a TCP socket has this option");
    let mut received = Vec::with_capacity(16 * 1024);
    let mut count = 0;
    while Instant::now() < end && exchange(&mut stream, &mut client, &mut received).await {
        count += 1;
    }
    (client, count)
}

/// One request and its answer. False when the client has nothing left to send.
async fn exchange<C: Client>(stream: &mut TcpStream, client: &mut C, received: &mut Vec<u8>) -> bool {
    let Some(request) = client.request() else { return false };
    stream.write_all(request).await.expect("the server takes requests");
    received.clear();
    let (head, whole) = loop {
        let read = stream.read_buf(received).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        if let Some((head, whole)) = extent(received)
            && received.len() >= whole
        {
            break (head, whole);
        }
    };
    let text = std::str::from_utf8(&received[..head]).expect("heads are ASCII");
    let status = text[9..12].parse().expect("a status line has a status");
    client.take(&Answer { status, head: text, body: &received[head..whole] });
    true
}

/// Where the head ends and where the answer ends, once the head is there.
fn extent(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Ok(0), str::parse).expect("a length is a number");
    Some((head, head + length))
}
