//! The receiver, spoken to over its socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Accepts `state=right`, declines `error=…`, knows nothing else.
fn judge(query: &str) -> Verdict<String> {
    if !query.contains("state=right") {
        return Verdict::NotOurs;
    }
    match query.split_once("error=") {
        Some((_, error)) => Verdict::Declined {
            outcome: "declined".to_owned(),
            error: error.to_owned(),
            description: "<script>".to_owned(),
        },
        None => Verdict::Accepted("accepted".to_owned()),
    }
}

#[tokio::test]
async fn cl_03_only_the_first_right_response_ends_the_waiting() {
    let receiver = Receiver::bind().await.unwrap();
    let authority = receiver.authority.clone();
    let waiting = tokio::spawn(receiver.receive(judge, Duration::from_secs(20)));
    let host = authority.as_str();
    let refused = [
        format!("GET /callback?state=wrong&code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback?code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("POST /callback?state=right&code=1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"),
        format!("HEAD /callback?state=right&code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /other?state=right&code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback/?state=right&code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        "GET /callback?state=right&code=1 HTTP/1.1\r\nHost: evil.test\r\n\r\n".to_owned(),
        "GET /callback?state=right&code=1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n".to_owned(),
        "GET /callback?state=right&code=1 HTTP/1.0\r\n\r\n".to_owned(),
    ];
    for request in refused {
        let answer = speak(&authority, &request).await;
        assert!(answer.contains(" 400 Bad Request"), "{request}\n{answer}");
        assert!(!waiting.is_finished(), "{request}");
    }
    let right = format!("GET /callback?state=right&code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answer = speak(&authority, &right).await;
    assert!(answer.contains(" 200 OK") && answer.contains("You are signed in"), "{answer}");
    assert_eq!(waiting.await.unwrap().as_deref(), Some("accepted"));
    assert!(TcpStream::connect(&authority).await.is_err(), "the port is closed after the flow");
}

#[tokio::test]
async fn cl_03_a_second_response_while_the_first_is_open_is_refused() {
    let desk = Desk { authority: "127.0.0.1:1".to_owned(), judge, decided: AtomicBool::new(true) };
    let receiver = Receiver::bind().await.unwrap();
    let desk = Arc::new(Desk { authority: receiver.authority.clone(), ..desk });
    let authority = receiver.authority.clone();
    let serving = tokio::spawn(serve(receiver.listener, desk));
    let request = format!("GET /callback?state=right&code=2 HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    assert!(speak(&authority, &request).await.contains(" 400 Bad Request"));
    assert!(!serving.is_finished());
    serving.abort();
}

#[tokio::test]
async fn cl_05_an_error_response_ends_the_flow_with_an_escaped_page() {
    let receiver = Receiver::bind().await.unwrap();
    let authority = receiver.authority.clone();
    let waiting = tokio::spawn(receiver.receive(judge, Duration::from_secs(20)));
    let request =
        format!("GET /callback?state=right&error=access_denied HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let answer = speak(&authority, &request).await;
    assert!(answer.contains(" 400 Bad Request") && answer.contains("access_denied"), "{answer}");
    assert!(answer.contains("&lt;script&gt;") && !answer.contains("<script>"), "{answer}");
    assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
    assert_eq!(waiting.await.unwrap().as_deref(), Some("declined"));
}

#[tokio::test]
async fn waiting_ends_when_time_is_up() {
    let receiver = Receiver::bind().await.unwrap();
    assert!(receiver.redirect_uri().starts_with("http://127.0.0.1:"));
    assert_eq!(receiver.receive(judge, Duration::from_millis(20)).await, None);
}

async fn speak(authority: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
