use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
    task::JoinHandle,
};

use super::*;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start(router: Router, connections: Connections) -> Running {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.address();
    let (end, ended) = oneshot::channel();
    let task = tokio::spawn(async move {
        listener.serve(&Routes::new(router), &connections, async { _ = ended.await }).await;
    });
    Running { address, end, task }
}

fn who() -> Router {
    Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
}

async fn send(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

/// Everything until the server closes.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn handlers_see_the_peer() {
    let server = start(who(), Connections::default()).await;
    let mut stream = send(server.address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let here = stream.local_addr().unwrap().to_string();
    let answer = read(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&here), "{answer}");
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_answered() {
    let server = start(who(), Connections::default()).await;
    let mut stream = send(server.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let mut frame = [0; 9];
    timeout(DEADLINE, stream.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame[3], 4, "the server's SETTINGS come first");
}

#[tokio::test]
async fn slow_heads_and_silent_connections_are_closed() {
    let connections = Connections { header_timeout: Duration::from_millis(100), ..Connections::default() };
    let server = start(who(), connections).await;
    for beginning in [&b""[..], b"P", b"PRI * HT", b"GET / HTTP/1.1\r\nhost:"] {
        let mut stream = send(server.address, beginning).await;
        let answer = read(&mut stream).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{beginning:?}: {answer}");
    }
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let server = start(who(), Connections::default()).await;
    let many = "a: b\r\n".repeat(MAXIMUM_HEADERS + 1);
    let mut stream = send(server.address, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn requests_under_way_finish_and_no_new_ones_begin() {
    let (arrived, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        move || async move {
            arrived.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            "finished"
        }
    };
    let server = start(Router::new().route("/", get(handler)), Connections::default()).await;
    let mut stream = send(server.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(DEADLINE, arrived.acquire()).await.unwrap().unwrap().forget();

    server.end.send(()).unwrap();
    let refused = async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, refused).await.unwrap();
    go_on.add_permits(1);
    assert!(read(&mut stream).await.ends_with("finished"));
    timeout(DEADLINE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off_before_the_server_has_ended() {
    struct Told(Arc<AtomicBool>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (arrived, told) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
    let handler = {
        let (arrived, told) = (Arc::clone(&arrived), Arc::clone(&told));
        move || async move {
            let _told = Told(told);
            arrived.add_permits(1);
            std::future::pending::<()>().await;
        }
    };
    let connections = Connections { drain_timeout: Duration::from_millis(50), ..Connections::default() };
    let server = start(Router::new().route("/", get(handler)), connections).await;
    let mut stream = send(server.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(DEADLINE, arrived.acquire()).await.unwrap().unwrap().forget();

    server.end.send(()).unwrap();
    timeout(DEADLINE, server.task).await.unwrap().unwrap();
    assert!(told.load(Ordering::Relaxed), "whatever a request owes when it ends is done");
    assert_eq!(read(&mut stream).await, "");
}

#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let panics = |uri: http::Uri| async move { assert_ne!(uri.path(), "/panic", "on purpose") };
    let router = who().route("/panic", get(panics));
    let server = start(router, Connections::default()).await;
    let mut broken = send(server.address, b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(read(&mut broken).await, "");
    let mut stream = send(server.address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 200"));
}
