//! Bodies that do not come: every endpoint gives up on them, so that nobody can hold all connections.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    ANSWERS_WITHIN, Target,
    endpoints::{ENDPOINTS, Kind},
};

/// Announces a body, sends its beginning, and waits for the answer.
async fn begin(address: std::net::SocketAddr, head: String) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts connections");
    stream.write_all(head.as_bytes()).await.expect("the head can be sent");
    let mut answer = vec![0; 64 * 1024];
    let read = timeout(ANSWERS_WITHIN, stream.read(&mut answer)).await.expect("the server gives up");
    answer.truncate(read.unwrap_or(0));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn nobody_waits_for_a_body_for_ever() {
    let target = Target::start().await;
    let address = target.world.server.address();
    let mut waiting = Vec::new();
    for (path, kind) in ENDPOINTS {
        if !kind.reads_a_body() {
            continue;
        }
        let content_type = match kind {
            Kind::Registration | Kind::Guarded => "application/json",
            _ => "application/x-www-form-urlencoded",
        };
        let method = if path.starts_with("/api/data/") { "PUT" } else { "POST" };
        for framing in ["content-length: 100\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
                 content-type: {content_type}\r\n{framing}",
                target.token
            );
            waiting.push((path, tokio::spawn(begin(address, head))));
        }
    }
    for (path, answer) in waiting {
        let answer = answer.await.expect("the attempt ends");
        let status = answer.get(9..12).unwrap_or_default();
        assert!(["400", "404", "405", "408"].contains(&status), "{path}: {answer}");
    }
    target.is_unharmed().await;
}
