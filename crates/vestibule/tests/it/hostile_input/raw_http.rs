//! What is no HTTP, or HTTP that two servers would read differently.

use super::{
    Target,
    endpoints::{ENDPOINTS, Kind},
};

/// The status of the first answer; 0 when the connection was closed without one.
fn status(answer: &str) -> u16 {
    let line = answer.strip_prefix("HTTP/1.1 ").or_else(|| answer.strip_prefix("HTTP/1.0 "));
    line.and_then(|line| line.get(..3)?.parse().ok()).unwrap_or(0)
}

/// How many answers came: more than one means that a body was read as a request.
fn answers(answer: &str) -> usize {
    answer.matches("HTTP/1.1 ").count()
}

#[tokio::test]
async fn messages_that_are_none() {
    let target = Target::start().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    for request in [
        "\r\n\r\nx\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /health\r\n\r\n".to_owned(),
        "GET /health HTTP/9.9\r\nconnection: close\r\nhost: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1 x\r\nhost: x\r\n\r\n".to_owned(),
        "GET /he alth HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n".to_owned(),
        "GET /health\0 HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n".to_owned(),
        "GET health HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n".to_owned(),
        "G\u{e4}T /health HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\nhost : x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\n host: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\nhost: x\0\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\nho\0st: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\nhost: x\r\n: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nconnection: close\r\nhost: x\r\nx\r\n\r\n".to_owned(),
        format!("POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}content-length: -1\r\n\r\n"),
        format!("POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}content-length: 1x\r\n\r\nx"),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}content-length: 99999999999999999999\r\n\r\n"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}content-length: 1\r\ncontent-length: 2\r\n\r\nxx"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}transfer-encoding: gzip\r\n\r\nx"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}transfer-encoding: chunked\r\n\r\nxyz\r\n"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n"
        ),
        format!(
            "POST /token HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{form}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"
        ),
    ] {
        let answer = target.send_raw(request.as_bytes()).await;
        let found = status(&answer);
        assert!(found == 0 || (400..500).contains(&found), "{request:?}: {answer}");
        assert!(answers(&answer) <= 1, "{request:?}: {answer}");
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn a_body_is_never_read_as_a_request() {
    let target = Target::start().await;
    let inner = "GET /health HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n";
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", inner.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", inner.len()),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding : chunked\r\n".to_owned(),
        "transfer-encoding:\u{b}chunked\r\n".to_owned(),
    ] {
        let form = "content-type: application/x-www-form-urlencoded";
        let head = format!("POST /token HTTP/1.1\r\nhost: x\r\n{form}\r\n{framing}\r\n");
        let answer = target.send_raw(format!("{head}0\r\n\r\n{inner}").as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{framing}: {answer}");
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn targets_that_name_another_place() {
    let target = Target::start().await;
    let metadata = "/.well-known/oauth-authorization-server";
    for (request, expected) in [
        ("CONNECT evil.test:443 HTTP/1.1\r\nconnection: close\r\nhost: evil.test\r\n\r\n".to_owned(), &[400, 404, 405][..]),
        ("OPTIONS * HTTP/1.1\r\nconnection: close\r\nhost: evil.test\r\n\r\n".to_owned(), &[400, 404, 405]),
        (format!("GET http://evil.test{metadata} HTTP/1.1\r\nconnection: close\r\nhost: evil.test\r\n\r\n"), &[200]),
        (format!("GET {metadata} HTTP/1.0\r\nconnection: close\r\n\r\n"), &[200]),
        (format!("GET {metadata} HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: evil.test\r\n\r\n"), &[200, 400]),
        (
            format!(
                "GET {metadata} HTTP/1.1\r\nconnection: close\r\nhost: x\r\nconnection: close, upgrade, http2-settings\r\nupgrade: h2c\r\n\
                 http2-settings: AAMAAABkAAQAAP__\r\n\r\n"
            ),
            &[200],
        ),
        ("GET http://evil.test/mcp/demo HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\n\r\n".to_owned(), &[400]),
        ("GET /mcp/demo HTTP/1.1\r\nconnection: close\r\nhost: evil.test\r\n\r\n".to_owned(), &[403]),
        ("GET /mcp/demo HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\nhost: evil.test\r\n\r\n".to_owned(), &[400]),
        ("GET /mcp/demo HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), &[400]),
        ("GET /mcp/demo HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\norigin: http://evil.test\r\n\r\n".to_owned(), &[403]),
    ] {
        let answer = target.send_raw(request.as_bytes()).await;
        assert!(expected.contains(&status(&answer)), "{request:?}: {answer}");
        assert!(!answer.contains("evil.test"), "{request:?}: {answer}");
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn heads_that_are_too_large() {
    let target = Target::start().await;
    for (path, _) in ENDPOINTS {
        let many = (0..200).map(|number| format!("x-{number}: x\r\n")).collect::<Vec<_>>().concat();
        let answer = target
            .send_raw(format!("GET {path} HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{many}\r\n").as_bytes())
            .await;
        assert_eq!(status(&answer), 431, "{path}: {answer}");
        for name in ["x", "cookie", "authorization", "host", "accept-language"] {
            let head = format!(
                "GET {path} HTTP/1.1\r\nconnection: close\r\n{name}: {}\r\n\r\n",
                "x".repeat(128 * 1024)
            );
            let answer = target.send_raw(head.as_bytes()).await;
            assert!([0, 431].contains(&status(&answer)), "{path}: {answer}");
        }
        let long =
            format!("GET {path}?{} HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n", "x".repeat(128 * 1024));
        let answer = target.send_raw(long.as_bytes()).await;
        assert!([0, 414, 431].contains(&status(&answer)), "{path}: {answer}");
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn bodies_without_a_length_are_cut_off() {
    let target = Target::start().await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for (path, kind) in ENDPOINTS {
        if !kind.reads_a_body() {
            continue;
        }
        let content_type = match kind {
            Kind::Registration | Kind::Guarded => "application/json",
            _ => "application/x-www-form-urlencoded",
        };
        let token = if kind == Kind::Guarded { &*target.token } else { "" };
        let authorization =
            if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let host = target.world.server.address();
        let head = format!(
            "POST {path} HTTP/1.1\r\nconnection: close\r\nhost: {host}\r\n{authorization}content-type: {content_type}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        let request = head + &chunk.repeat(128) + "0\r\n\r\n";
        let answer = target.send_raw(request.as_bytes()).await;
        let is_refused = [0, 413].contains(&status(&answer));
        let has_no_post = kind == Kind::Guarded && status(&answer) == 405;
        assert!(is_refused || has_no_post, "{path}: {answer}");
    }
    target.is_unharmed().await;
}
