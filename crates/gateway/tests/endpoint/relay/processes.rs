//! Servers that are processes, behind clients of both eras.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway::{AllowedRequests, Sharing, StdioServer, StdioSettings, Way};
use secret::Random;
use serde_json::{Value, json};

use super::questions::{capable, response, until};
use crate::world::{World, initialize, rpc};

struct Zero;

impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn python() -> String {
    let print = ["-c", "import sys; sys.stdout.write(sys.executable)"];
    String::from_utf8(std::process::Command::new("python3").args(print).output().unwrap().stdout).unwrap()
}

/// The program in front of which the gateway stands.
fn behind(world: &World, sharing: Sharing, allowed: AllowedRequests) -> Router {
    let script = include_str!("../../support/stdio_server.py");
    let settings = StdioSettings {
        name: "far".to_owned(),
        command: vec![python(), "-c".to_owned(), script.to_owned()],
        environment: Arc::default(),
        path: "/usr/bin:/bin".into(),
        directory: None,
        sharing,
        allowed,
        start: Duration::from_secs(30),
        call: Duration::from_secs(30),
        grace: Duration::from_millis(200),
    };
    world.gateway_by(Way::Process(Arc::new(StdioServer::new(settings, Arc::new(Zero)))), allowed)
}

const OWN: Sharing = Sharing::EachUser { idle: Duration::from_mins(1), at_most: 4 };

async fn session(world: &World, gateway: &Router, token: &str) -> String {
    let opened = world.far(gateway, token, initialize("2025-11-25")).send().await;
    opened.header("mcp-session-id").to_owned()
}

#[tokio::test]
async fn up_17_a_process_neither_learns_nor_gets_what_is_not_allowed() {
    let world = World::new().await;
    let token = world.far_token("ada", "use");
    for (sharing, offered) in
        [(OWN, json!({ "elicitation": { "form": {}, "url": {} } })), (Sharing::Everybody, json!({}))]
    {
        let gateway = behind(&world, sharing, AllowedRequests::default());
        let opened = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
        assert_eq!(opened.json()["result"]["asked"]["capabilities"], offered);
        let session = opened.header("mcp-session-id");
        let ask = world.far(&gateway, &token, rpc("ask", json!({ "method": "sampling/createMessage" })));
        let answer = ask.header("mcp-session-id", session).send().await;
        let outcome = response(&answer)["result"].clone();
        assert_eq!(outcome["error"]["code"], -32601, "{answer:?}");
        assert!(!answer.text.contains("sampling"), "{answer:?}");
        let body = crate::world::modern_body("ask", json!({ "method": "roots/list" }));
        let modern = world.far(&gateway, &token, body).header("mcp-protocol-version", "2026-07-28");
        let answer = modern.header("mcp-method", "ask").send().await;
        assert_eq!(response(&answer)["result"]["error"]["code"], -32601, "{answer:?}");
    }
    let events = world.audit_log.events();
    let methods: Vec<_> = events.iter().filter_map(|event| event.detail.get("method").cloned()).collect();
    assert_eq!(methods, ["sampling/createMessage", "roots/list"], "those that could be told whom they meant");
}

#[tokio::test]
async fn the_process_of_one_user_asks_whoever_waits_for_it() {
    let world = World::new().await;
    let gateway = behind(&world, OWN, AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let session = session(&world, &gateway, &token).await;
    let ask = world.far(&gateway, &token, rpc("ask", json!({ "method": "elicitation/create" })));
    let asking = ask.header("mcp-session-id", &session).send();
    let answering = async {
        let answer = json!({ "jsonrpc": "2.0", "id": "mine", "result": { "action": "accept" } });
        // Whether the process has asked yet is not seen from here.
        loop {
            let sent =
                world.far(&gateway, &token, answer.clone()).header("mcp-session-id", &session).send().await;
            assert_eq!(sent.status, 202);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer =
        tokio::select! { answer = asking => answer, () = answering => unreachable!("it never ends") };
    assert!(answer.text.contains("elicitation/create"), "{answer:?}");
    assert_eq!(response(&answer)["result"]["result"]["action"], "accept", "{answer:?}");

    let modern = |mut params: Value| {
        params["method"] = json!("elicitation/create");
        let mut body = capable(params, json!(1));
        body["method"] = json!("ask");
        body["params"].as_object_mut().unwrap().remove("name");
        let sent = world.far(&gateway, &token, body).header("mcp-protocol-version", "2026-07-28");
        sent.header("mcp-method", "ask").send()
    };
    let asked = response(&modern(json!({})).await)["result"].clone();
    assert_eq!(asked["inputRequests"]["question"]["method"], "elicitation/create", "{asked}");
    let responses = json!({ "question": { "action": "decline" } });
    let params = json!({ "requestState": asked["requestState"], "inputResponses": responses });
    let answer = modern(params).await;
    assert_eq!(response(&answer)["result"]["result"]["action"], "decline", "{answer:?}");
}

#[tokio::test]
async fn the_ids_of_many_clients_meet_and_everybody_cancels_their_own() {
    let world = World::new().await;
    let gateway = behind(&world, Sharing::Everybody, AllowedRequests::default());
    let (ada, bob) = (world.far_token("ada", "use"), world.far_token("bob", "use"));
    let (adas, bobs) = (session(&world, &gateway, &ada).await, session(&world, &gateway, &bob).await);
    let silence = |token: &str, session: &str| {
        let sent =
            world.far(&gateway, token, rpc("silence", json!({}))).header("mcp-session-id", session).build();
        let router = gateway.clone();
        tokio::spawn(async move { tower::ServiceExt::oneshot(router, sent).await.unwrap() })
    };
    let (mine, theirs) = (silence(&ada, &adas), silence(&bob, &bobs));
    let left = silence(&ada, &session(&world, &gateway, &ada).await);
    let cancelled = async || {
        let body = rpc("cancelled", json!({}));
        let answer = world.far(&gateway, &bob, body).header("mcp-session-id", &bobs).send().await;
        response(&answer)["result"].as_array().unwrap_or_else(|| panic!("{answer:?}")).len()
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    left.abort();
    assert_eq!(cancelled().await, 0, "who leaves has not cancelled");
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    world.far(&gateway, &ada, cancel).header("mcp-session-id", &adas).send().await;
    let ended = tokio::time::timeout(Duration::from_secs(10), mine).await.unwrap().unwrap();
    assert_eq!(ended.status(), 200);
    let mut count = 0;
    for _ in 0..100 {
        count = cancelled().await;
        if count > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count, 1);
    assert!(!theirs.is_finished(), "the other call with the same id goes on");
    theirs.abort();
    until("it ends", || theirs.is_finished()).await;
}
