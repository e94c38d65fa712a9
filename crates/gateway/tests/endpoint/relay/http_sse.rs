//! Servers that speak the older transport, HTTP with SSE.

mod hostile;
pub(crate) mod server;

use futures_util::future::join_all;
use gateway::Transport;
use serde_json::{Value, json};

use crate::relay::upstream::{Arrived, Upstream, reply};
use crate::world::{World, call, initialize, rpc};
use server::{OldServer, result};

fn echo(request: &Arrived) -> Vec<String> {
    let told = &request.json()["params"]["arguments"]["text"];
    vec![result(request, &json!({ "content": [{ "type": "text", "text": told }], "z": 1 }))]
}

#[tokio::test]
async fn both_eras_use_it_whether_it_is_configured_or_found_out() {
    for transport in [Transport::Detected, Transport::HttpSse] {
        let mut world = World::new().await;
        world.transport = transport;
        let old = OldServer::start(echo).await;
        let gateway = old.behind(&world);
        let token = world.far_token("ada", "use");
        let opened = world.far(&gateway, &token, initialize("2025-03-26")).send().await;
        assert_eq!(opened.json()["result"]["x"], 1, "{transport:?}: {opened:?}");
        assert_eq!(opened.json()["result"]["protocolVersion"], "2025-03-26");
        let session = opened.header("mcp-session-id").to_owned();
        assert!(!session.is_empty() && !session.contains("message"), "{session}");
        let said = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let said = world.far(&gateway, &token, said).header("mcp-session-id", &session).send().await;
        assert_eq!(said.status, 202);
        let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}},"x":{"b":1,"a":2}}"#;
        let answer = world.far(&gateway, &token, body).header("mcp-session-id", &session).send().await;
        assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
        assert_eq!(answer.json()["id"], "a");
        assert_eq!(answer.json()["result"]["content"][0]["text"], "hi");
        assert_eq!(old.of("tools/call")[0].1.text, body, "what was checked is what is sent");

        let params = json!({ "name": "echo", "arguments": { "text": "new" } });
        let modern = world.far_modern(&gateway, &token, "tools/call", params).send().await;
        assert_eq!(modern.json()["result"]["content"][0]["text"], "new", "{modern:?}");
        assert_eq!(modern.json()["result"]["resultType"], "complete");
        let discovered = world.far_modern(&gateway, &token, "server/discover", json!({})).send().await;
        assert_eq!(discovered.status, 200, "{discovered:?}");
        assert_eq!(old.opened(), 2, "one stream for the session, one for whoever has none");

        let end = world.request("DELETE", "/mcp/far").to(&gateway).bearer(&token);
        assert_eq!(end.header("mcp-session-id", &session).send().await.status, 204);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while old.say(1, "{}") {
            assert!(std::time::Instant::now() < deadline, "the stream ends with its session");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn gw_06_and_18_nothing_of_ours_reaches_the_server_and_its_streams_are_their_principals() {
    let mut world = World::new().await;
    world.transport = Transport::HttpSse;
    let old = OldServer::start(echo).await;
    let gateway = old.behind(&world);
    let (ada, bob) = (world.far_token("ada", "use"), world.far_token("bob", "use"));
    let opened = world.far(&gateway, &ada, initialize("2025-06-18")).header("cookie", "canary").send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let send = async |token: &str| {
        let request = world.far(&gateway, token, call("echo", json!({}))).header("x-forwarded-for", "canary");
        request.header("dpop", "canary").header("mcp-session-id", &session).send().await.status.as_u16()
    };
    assert_eq!((send(&ada).await, send(&bob).await), (200, 404));
    assert_eq!(old.of("tools/call").len(), 1);
    for token in [&ada, &bob] {
        let modern = world.far_modern(&gateway, token, "tools/call", json!({ "name": "echo" })).send().await;
        assert_eq!(modern.status, 200, "{modern:?}");
    }
    let streams: Vec<_> = old.of("tools/call").into_iter().map(|(stream, _)| stream).collect();
    assert_eq!(streams, [1, 2, 3], "no two principals share a stream");
    for (_, request) in old.all() {
        let known = ["host", "content-type", "accept", "content-length"];
        let strangers: Vec<_> =
            request.headers.keys().filter(|name| !known.contains(&name.as_str())).collect();
        assert!(strangers.is_empty(), "{strangers:?}");
    }
    let node = old.behind(&world);
    let elsewhere = world.far(&node, &ada, call("echo", json!({}))).header("mcp-session-id", &session);
    assert_eq!(elsewhere.send().await.status, 404, "a stream is on one node; the client initializes again");
}

#[tokio::test]
async fn gw_22_answers_on_one_stream_find_their_requests() {
    let mut world = World::new().await;
    world.transport = Transport::HttpSse;
    let old = OldServer::start(echo).await;
    let gateway = old.behind(&world);
    let ask = async |number: usize| {
        let (user, text) = (number % 5, format!("text {number}"));
        let token = world.far_token(&format!("user{user}"), "use");
        let params = json!({ "name": "echo", "arguments": { "text": text } });
        let answer = world.far_modern(&gateway, &token, "tools/call", params).send().await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], text, "{answer:?}");
    };
    join_all((0..100).map(ask)).await;
    assert_eq!(old.opened(), 5);
}

#[tokio::test]
async fn gw_23_and_26_the_policy_decides_before_anything_is_sent() {
    let mut world = World::new().await;
    world.transport = Transport::HttpSse;
    let old = OldServer::start(|request| {
        vec![result(request, &json!({ "tools": [{ "name": "env" }, { "name": "echo" }] }))]
    })
    .await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let ask =
        async |method: &str, params: Value| world.far_modern(&gateway, &token, method, params).send().await;
    let listed = ask("tools/list", json!({})).await;
    assert_eq!(listed.json()["result"]["tools"], json!([{ "name": "echo" }]), "{listed:?}");
    assert_eq!(ask("tools/call", json!({ "name": "delete" })).await.status, 403);
    assert_eq!(ask("tools/call", json!({ "name": "env" })).await.code(), -32602);
    assert!(old.of("tools/call").is_empty());
}

#[tokio::test]
async fn progress_goes_to_its_request_and_announcements_to_whoever_listens() {
    let mut world = World::new().await;
    world.transport = Transport::HttpSse;
    let old = OldServer::start(|request| {
        let token = &request.json()["params"]["_meta"]["progressToken"];
        let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 1 } });
        let lost = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": "other", "progress": 2 } });
        let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        let asks = json!({ "jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": { "message": "?" } });
        match &*request.rpc() {
            "tools/call" => vec![progress.to_string(), lost.to_string(), changed.to_string(), asks.to_string()],
            // The client's answer to what it was asked.
            _ => vec![json!({ "jsonrpc": "2.0", "id": 1, "result": { "told": request.json()["result"] } }).to_string()],
        }
    })
    .await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let mut hello = initialize("2025-06-18");
    hello["params"]["capabilities"] = json!({ "elicitation": {} });
    let opened = world.far(&gateway, &token, hello).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let listening = world.request("GET", "/mcp/far").to(&gateway).bearer(&token);
    let listening = listening.header("mcp-session-id", &session).build();
    let listening = tower::ServiceExt::oneshot(gateway.clone(), listening).await.unwrap();
    let params = json!({ "name": "echo", "_meta": { "progressToken": "t" } });
    let asking = world.far(&gateway, &token, rpc("tools/call", params)).header("mcp-session-id", &session);
    let replying = async {
        while old.of("tools/call").is_empty() {
            tokio::task::yield_now().await;
        }
        let reply = json!({ "jsonrpc": "2.0", "id": 9, "result": { "action": "accept" } });
        world.far(&gateway, &token, reply).header("mcp-session-id", &session).send().await
    };
    let (answer, replied) = tokio::join!(asking.send(), replying);
    assert_eq!(replied.status, 202, "{replied:?}");
    let messages: Vec<Value> = answer
        .text
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("event: message\ndata: ")?).ok())
        .collect();
    assert_eq!(messages.len(), 3, "{answer:?}");
    assert_eq!(messages[0]["params"], json!({ "progressToken": "t", "progress": 1 }));
    assert_eq!(messages[1]["method"], "elicitation/create");
    assert_eq!(messages[2]["result"]["told"], json!({ "action": "accept" }));
    let mut heard = listening.into_body().into_data_stream();
    let heard = futures_util::StreamExt::next(&mut heard).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&heard).contains("notifications/tools/list_changed"), "{heard:?}");
}

#[tokio::test]
async fn a_server_that_speaks_mcp_is_not_asked_for_the_older_transport() {
    let world = World::new().await;
    let refuses = Upstream::start(|_| {
        reply(400, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"go away"}}"#)
    })
    .await;
    let gateway = refuses.behind(&world);
    let token = world.far_token("ada", "use");
    world.far(&gateway, &token, initialize("2025-06-18")).send().await;
    assert!(refuses.all().iter().all(|request| request.method == "POST"));
}

#[tokio::test]
async fn a_server_that_speaks_neither_transport_is_an_error() {
    for transport in [Transport::Detected, Transport::StreamableHttp, Transport::HttpSse] {
        let mut world = World::new().await;
        world.transport = transport;
        let neither = Upstream::start(|_| reply(404, "canary")).await;
        let gateway = neither.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, 502, "{transport:?}: {answer:?}");
        assert!(!answer.text.contains("canary"), "{answer:?}");
        let asked_for_stream = neither.all().iter().any(|request| request.method == "GET");
        assert_eq!(asked_for_stream, transport != Transport::StreamableHttp);
    }
}
