//! Old clients before servers elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc;

use super::client::Client;
use crate::relay::upstream::{Upstream, accepted, events, reply, result};
use crate::world::{World, call, rpc};

#[tokio::test]
async fn gw_06_nothing_of_the_client_but_its_message_reaches_the_server() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match request.method.as_str() {
        "GET" => reply(405, ""),
        "DELETE" => accepted(),
        _ => result(request, "{\n  \"content\": [],\r\n  \"x\": 1.50\n}"),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let mut client = Client::open(&world, &gateway, "/mcp/far", &token).await;
    let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","z":0},"x":{"b":1,"a":2}}"#;
    let posted = world
        .request("POST", &client.endpoint)
        .to(&gateway)
        .bearer(&token)
        .json(body)
        .header("mcp-session-id", "canary")
        .header("mcp-protocol-version", "2026-07-28")
        .header("cookie", "c=canary")
        .header("dpop", "canary")
        .header("proxy-authorization", "Basic canary")
        .header("x-forwarded-for", "canary")
        .send()
        .await;
    assert_eq!(posted.status, 202, "{posted:?}");
    let event = client.event().await.unwrap();
    assert_eq!(
        event,
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{   \"content\": [],    \"x\": 1.50 }}\n\n",
        "one line, whatever the server sends"
    );
    let arrived = &upstream.of("tools/call")[0];
    assert_eq!(arrived.text, body, "what was checked is what is sent");
    assert_eq!(arrived.header("mcp-session-id"), "upstream-secret");
    for request in upstream.all() {
        assert!(!format!("{:?}", request.headers).contains("canary"));
        assert!(!request.headers.contains_key("authorization"));
    }
    drop(client);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !upstream.all().iter().any(|request| request.method == "DELETE") {
        assert!(Instant::now() < deadline, "the server's session ends with the stream");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_was_cut_off_is_introduced_again_and_can_be_asked_nothing() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match request.method.as_str() {
        "GET" => reply(405, ""),
        _ => result(request, r#"{"content":[]}"#),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    for (version, expected) in
        [("2025-06-18", "2025-06-18"), ("2026-07-28", "2024-11-05"), ("nonsense", "2024-11-05")]
    {
        let mut client = Client::connect_to(&world, &gateway, "/mcp/far", &token).await;
        let request = world.request("POST", &client.endpoint).to(&gateway).bearer(&token);
        let request = request.json(call("echo", json!({}))).header("mcp-protocol-version", version);
        assert_eq!(request.send().await.status, 202);
        assert_eq!(client.message().await["result"], json!({ "content": [] }));
        let introduced = upstream.of("initialize").pop().unwrap().json();
        assert_eq!(introduced["params"]["protocolVersion"], expected);
        assert_eq!(introduced["params"]["capabilities"], json!({}));
        assert_eq!(upstream.of("notifications/initialized").len(), upstream.of("initialize").len());
    }
    assert_eq!(upstream.of("tools/call").len(), 3);
}

#[tokio::test]
async fn gw_17_a_stream_of_the_server_becomes_plain_messages_in_order() {
    const STREAM: &str = ": hello\n\nid: 7\nretry: 0\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\ndata: \"params\":{\"z\":1}}\n\nevent: endpoint\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"b\":1}}\n\n";
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match (request.method.as_str(), &*request.rpc()) {
        ("GET", _) => reply(405, ""),
        (_, "tools/call") => events(Body::from(STREAM)),
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    let first = client.ask(call("echo", json!({}))).await;
    assert_eq!(first["params"]["z"], 1, "{first}");
    assert_eq!(client.message().await["method"], "notifications/message");
    assert_eq!(client.message().await["result"], json!({ "b": 1 }));
}

#[tokio::test]
async fn what_the_server_says_of_its_own_accord_is_on_the_stream() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match request.method.as_str() {
        "GET" => {
            let told = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
            let told = stream::iter([Ok::<_, std::io::Error>(Bytes::from(told))]);
            events(Body::from_stream(told.chain(stream::pending())))
        }
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    assert_eq!(client.message().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn gw_29_a_slow_failure_is_an_error_on_the_stream_and_holds_no_message_up() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/call" => {
            let silence = stream::pending::<Result<Bytes, std::io::Error>>();
            let mut response = reply(200, "");
            *response.body_mut() = Body::from_stream(silence);
            response
        }
        "tools/list" => result(request, r#"{"tools":[]}"#),
        _ => reply(405, ""),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    let slow = client.post(call("echo", json!({}))).await;
    assert_eq!(slow.status, 202);
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    assert_eq!(client.ask(list).await["id"], 2, "another answer overtakes it");
    let failure = client.message().await;
    assert_eq!((&failure["id"], &failure["error"]["code"]), (&json!(1), &json!(-32603)), "{failure}");
    assert_eq!(upstream.of("tools/call").len(), 1, "a call is never repeated");
}

#[tokio::test]
async fn gw_14_a_flood_of_requests_or_of_notifications_is_bounded() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/call" | "notifications/cancelled" => {
            let silence = stream::pending::<Result<Bytes, std::io::Error>>();
            events(Body::from_stream(silence))
        }
        _ => reply(405, ""),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    let requests = (0..65).map(|id| {
        client
            .post(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "echo" } }))
    });
    assert!(join_all(requests).await.iter().all(|posted| posted.status == 202));
    let refused = client.message().await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("too many requests"), "{refused}");
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(client.post(told).await.status, 502, "it is not left to itself: its outcome is its answer");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_though_its_events_had_ids() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/call" => events(Body::from(
            "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n",
        )),
        _ => reply(405, ""),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    client.ask(call("echo", json!({}))).await;
    let failure = client.message().await;
    assert_eq!(failure["error"]["code"], -32603, "nobody can resume here: {failure}");
}

#[tokio::test]
async fn gw_15_a_slow_reader_slows_its_server_down_and_nobody_else() {
    const PIECE: usize = 64 * 1024;
    let world = World::new().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let upstream = Upstream::legacy(move |request| match &*request.rpc() {
        "tools/call" => {
            let counted = counted.clone();
            let told = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "data": "x".repeat(PIECE) } });
            let told = Bytes::from(format!("data: {told}\n\n"));
            events(Body::from_stream(stream::repeat_with(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, std::io::Error>(told.clone())
            })))
        }
        "tools/list" => result(request, r#"{"tools":[]}"#),
        _ => reply(405, ""),
    })
    .await;
    let gateway = upstream.behind(&world);
    let slow = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    assert_eq!(slow.post(call("echo", json!({}))).await.status, 202);
    let mut other = Client::open(&world, &gateway, "/mcp/far", &world.far_token("bob", "use")).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let before = taken.load(Ordering::Relaxed);
        for _ in 0..50 {
            assert!(other.ask(rpc("tools/list", json!({}))).await["result"].is_object());
        }
        // What the sockets on the way hold is up to the operating system.
        assert!(before * PIECE < 128 << 20, "{before} pieces are more than waits anywhere");
        if before > 0 && taken.load(Ordering::Relaxed) == before {
            break;
        }
        assert!(Instant::now() < deadline, "the server is asked for more and more");
    }
}

#[tokio::test]
async fn gw_31_what_is_under_way_is_answered_before_a_stream_ends() {
    let world = World::new().await;
    let (go, wait) = mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
    let wait = std::sync::Mutex::new(Some(wait));
    let upstream = Upstream::legacy(move |request| match (&*request.rpc(), request.method.as_str()) {
        ("tools/call", _) => {
            let waiting = wait.lock().unwrap().take().unwrap();
            let rest = stream::unfold(waiting, async |mut waiting| Some((waiting.recv().await?, waiting)));
            events(Body::from_stream(rest))
        }
        (_, "GET") => reply(405, ""),
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    assert_eq!(client.post(call("echo", json!({}))).await.status, 202);
    world.event_streams.drain();
    go.send(Ok(Bytes::from("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"))).unwrap();
    drop(go);
    assert_eq!(client.message().await["result"], json!({}));
    client.ends().await;
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_ends_the_stream() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|_| reply(404, "")).await;
    let gateway = upstream.behind(&world);
    let mut client = Client::open(&world, &gateway, "/mcp/far", &world.far_token("ada", "use")).await;
    assert_eq!(client.post(rpc("tools/list", json!({}))).await.status, 404);
    client.ends().await;
}
