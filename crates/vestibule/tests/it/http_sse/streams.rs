//! Streams of the older transport while the server changes and when it ends.

use std::time::{Duration, Instant};

use http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    acting_client, http_client,
    server::{Server, Settings},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Servers that can be reached by nobody, which is enough to open a stream before them.
const FAR: &str = "[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"http://127.0.0.1:1/sse\"\n";
const MORE: &str = "[[server]]\nname = \"more\"\nkind = \"remote\"\nurl = \"http://127.0.0.1:1/sse\"\n";
const TAKEN_OVER: &str = "the configuration was read again and is in force";

#[tokio::test]
async fn a_stream_outlives_a_reload_and_ends_with_its_server() {
    let server = start(FAR);
    let mut stream = Stream::open(&server).await;
    server.reconfigure(&format!("{FAR}{MORE}"));
    server.log_with(TAKEN_OVER).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" });
    let mut request = http_client::json(&stream.endpoint, &ping);
    request.headers_mut().insert(header::AUTHORIZATION, stream.token.parse().unwrap());
    assert_eq!(server.send(request).await.status, 202);
    let answer = stream.next().await.expect("the stream goes on");
    assert!(answer.contains("\"id\":7"), "the new router finds the session of the old one: {answer}");
    server.reconfigure(MORE);
    assert_eq!(stream.next().await, None, "no such server any more");
}

#[tokio::test]
async fn gw_31_streams_do_not_hold_up_the_end_of_the_server() {
    let mut server = start(FAR);
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&server).await);
    }
    let asked = Instant::now();
    server.stop();
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    for mut stream in streams {
        assert_eq!(stream.next().await, None, "a stream ends, and does not break off");
    }
}

fn start(configuration: &str) -> Server {
    Server::start(&Settings { configuration: Some(configuration.to_owned()), ..Settings::default() })
}

/// An open stream before the server `far`.
struct Stream {
    body: Incoming,
    token: String,
    endpoint: String,
}

impl Stream {
    async fn open(server: &Server) -> Self {
        let token = format!("Bearer {}", acting_client::token(server, "/mcp/far").await);
        let request = Request::get("/mcp/far/sse").header(header::AUTHORIZATION, &token);
        let response =
            http_client::start(server.address(), request.body(Bytes::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut stream = Self { body: response.into_body(), token, endpoint: String::new() };
        let first = stream.next().await.expect("a stream begins with its endpoint");
        first.trim_end().rsplit_once("data: ").unwrap().1.clone_into(&mut stream.endpoint);
        stream
    }

    /// What comes next; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        let frame = timeout(PATIENCE, self.body.frame()).await.expect("the stream says something")?;
        let frame = frame.expect("the stream does not break off");
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }
}
