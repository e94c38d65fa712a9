//! A legacy client before a legacy server.

use axum::body::Body;
use serde_json::{Value, json};

use super::upstream::{Upstream, accepted, events, reply, result};
use crate::world::{World, call, initialize, rpc};

const RESULT: &str = r#"{"z":1,"content":[{"type":"text","text":"hi","annotations":{"x":1.50}}],"a":{"n":18446744073709551617}}"#;

#[tokio::test]
async fn gw_06_and_18_nothing_of_ours_reaches_the_server_and_its_session_stays_here() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match request.method.as_str() {
        "DELETE" => accepted(),
        _ => result(request, RESULT),
    })
    .await;
    let gateway = upstream.behind(&world);
    let (ada, bob) = (world.far_token("ada", "use"), world.far_token("bob", "use"));
    let opened = world.far(&gateway, &ada, initialize("2025-06-18")).send().await;
    assert_eq!(opened.json()["result"]["x"], 1, "{opened:?}");
    assert!(!opened.headers.contains_key("x-secret"));
    let session = opened.header("mcp-session-id").to_owned();
    assert!(!session.contains("upstream-secret") && session.is_ascii());

    let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","z":0,"arguments":{"n":18446744073709551617}},"x":{"b":1,"a":2}}"#;
    let answer = world
        .far(&gateway, &ada, body)
        .header("mcp-session-id", &session)
        .header("mcp-protocol-version", "2025-06-18")
        .header("cookie", "c=canary")
        .header("dpop", "canary")
        .header("proxy-authorization", "Basic canary")
        .header("x-forwarded-for", "canary")
        .header("x-forwarded-user", "canary")
        .send()
        .await;
    assert_eq!(answer.text, format!(r#"{{"jsonrpc":"2.0","id":"a","result":{RESULT}}}"#));
    let arrived = &upstream.of("tools/call")[0];
    assert_eq!(arrived.text, body, "what was checked is what is sent");
    assert_eq!(arrived.header("mcp-session-id"), "upstream-secret");
    assert_eq!(arrived.header("mcp-protocol-version"), "2025-06-18");
    for request in upstream.all() {
        let names: Vec<_> = request.headers.keys().map(http::HeaderName::as_str).collect();
        let known = ["host", "content-type", "accept", "content-length"];
        let strangers: Vec<_> =
            names.into_iter().filter(|name| !known.contains(name) && !name.starts_with("mcp-")).collect();
        assert!(strangers.is_empty(), "{strangers:?}");
        assert!(!format!("{:?}", request.headers).contains("canary"));
    }

    let calls = upstream.of("tools/call").len();
    let stolen = world.far(&gateway, &bob, call("echo", json!({}))).header("mcp-session-id", &session);
    assert_eq!(stolen.send().await.status, 404);
    let missing = world.far(&gateway, &ada, call("echo", json!({}))).send().await;
    assert_eq!(missing.status, 400);
    assert_eq!(upstream.of("tools/call").len(), calls);

    let node = upstream.behind(&world);
    let elsewhere = world.far(&node, &ada, call("echo", json!({}))).header("mcp-session-id", &session);
    assert_eq!(elsewhere.send().await.status, 200, "any node serves any session");

    let end =
        world.request("DELETE", "/mcp/far").to(&gateway).bearer(&ada).header("mcp-session-id", &session);
    assert_eq!(end.send().await.status, 204);
    assert!(
        upstream.all().iter().any(
            |request| request.method == "DELETE" && request.header("mcp-session-id") == "upstream-secret"
        )
    );
    let ended = world.far(&gateway, &ada, call("echo", json!({}))).header("mcp-session-id", &session);
    assert_eq!(ended.send().await.status, 404);
}

#[tokio::test]
async fn gw_23_and_26_the_policy_decides_before_anything_is_sent() {
    let world = World::new().await;
    let tools = r#"{"tools":[{"name":"delete","inputSchema":{"z":1,"a":2}},{"name":"env"},{"name":"ok","name":"env"},{"x":1,"name":"echo"}],"nextCursor":"n","w":1}"#;
    let upstream = Upstream::legacy(move |request| result(request, tools)).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let session = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = session.header("mcp-session-id").to_owned();
    let send = async |token: &str, body: Value| {
        world.far(&gateway, token, body).header("mcp-session-id", &session).send().await
    };
    let listed = send(&token, rpc("tools/list", json!({}))).await;
    assert_eq!(
        listed.text,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete","inputSchema":{"z":1,"a":2}},{"x":1,"name":"echo"}],"nextCursor":"n","w":1}}"#
    );
    let challenged = send(&token, call("delete", json!({}))).await;
    assert_eq!(challenged.status, 403);
    let challenge = challenged.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"admin use\"") || challenge.contains("scope=\"use admin\""),
        "{challenge}"
    );
    assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp/far"), "{challenge}");
    assert_eq!(send(&token, call("env", json!({}))).await.code(), -32602);
    let nothing = world.far_token("ada", "");
    for body in [
        call("echo", json!({})),
        rpc("resources/read", json!({ "uri": "x:y" })),
        rpc("prompts/list", json!({})),
    ] {
        assert_eq!(send(&nothing, body).await.status, 403);
    }
    assert!(upstream.of("tools/call").is_empty() && upstream.of("resources/read").is_empty());
    let admin = world.far_token("ada", "use admin");
    assert_eq!(send(&admin, call("delete", json!({}))).await.status, 200);
}

#[tokio::test]
async fn a_stream_passes_in_order_and_requests_of_the_server_are_answered_by_the_client() {
    const STREAM: &str = ": hello\n\nevent: message\nid: 7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"z\":1}}\n\nretry: 0\ndata: {\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"b\":1,\"a\":2}}\n\n";
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match (request.method.as_str(), &*request.rpc()) {
        ("GET", _) => events(Body::from("data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n")),
        (_, "tools/call") => events(Body::from(STREAM)),
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let session = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = session.header("mcp-session-id").to_owned();
    let answer =
        world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.text, STREAM.replace("retry: 0\n", ""));

    let response = r#"{"jsonrpc":"2.0","id":9,"result":{"action":"decline"}}"#;
    let answered = world.far(&gateway, &token, response).header("mcp-session-id", &session).send().await;
    assert_eq!(answered.status, 202);
    assert!(
        upstream
            .all()
            .iter()
            .any(|request| request.text == response && request.header("mcp-session-id") == "upstream-secret")
    );

    let listening = world.request("GET", "/mcp/far").to(&gateway).bearer(&token);
    let listened = listening.header("mcp-session-id", &session).header("last-event-id", "7").send().await;
    assert_eq!(listened.text, "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n");
    assert!(upstream.all().iter().any(|request| request.header("last-event-id") == "7"));
}

#[tokio::test]
async fn gw_23_what_comes_again_passes_by_the_same_rules() {
    const AGAIN: &str = "id: 8\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"env\"},{\"name\":\"echo\"}]}}\n\nid: 9\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[],\"z\":1.50}}\n\n";
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match (request.method.as_str(), &*request.rpc()) {
        ("GET", _) => events(Body::from(AGAIN)),
        (_, "tools/list") => events(Body::from("id: 7\ndata: \n\n")),
        // One response is enough; what follows it is nobody's.
        _ => events(Body::from(AGAIN.replace("\"id\":1", &format!("\"id\":{}", request.json()["id"])))),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id");
    let listed = world.far(&gateway, &token, rpc("tools/list", json!({}))).header("mcp-session-id", session);
    assert_eq!(listed.send().await.text, "id: 7\ndata: \n\n");
    let again = world.request("GET", "/mcp/far").to(&gateway).bearer(&token).header("last-event-id", "7");
    let again = again.header("mcp-session-id", session).send().await;
    assert!(again.text.contains(r#""tools":[{"name":"echo"}]"#) && !again.text.contains("env"), "{again:?}");
    assert!(again.text.contains(r#"{"content":[],"z":1.50}"#), "{again:?}");
    let called = world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", session);
    let called = called.send().await;
    assert!(called.text.contains(r#""id":1,"#) && !called.text.contains(r#""id":2,"#), "{called:?}");
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_is_not_found() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|_| reply(404, r#"{"secret":"canary"}"#)).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let session = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = session.header("mcp-session-id").to_owned();
    let answer = world.far(&gateway, &token, rpc("tools/list", json!({}))).header("mcp-session-id", &session);
    let answer = answer.send().await;
    assert_eq!(answer.status, 404);
    assert!(!answer.text.contains("canary"), "{answer:?}");
}
