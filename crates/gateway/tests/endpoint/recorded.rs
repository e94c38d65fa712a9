//! The audit log: every call is in it, and none is made that cannot be.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use audit::{Auditor, Decision, Event, Ledger, Outcome, Overloaded, Place, Reservation, Verdict};
use axum::body::Body;
use futures_util::FutureExt as _;
use serde_json::json;

use crate::{
    relay::upstream::{Upstream, accepted, events, reply, result},
    world::{World, call, initialize},
};

/// An audit log in memory.
#[derive(Default)]
pub(crate) struct AuditLog {
    events: Arc<Events>,
    is_full: AtomicBool,
}

#[derive(Default)]
struct Events(Mutex<Vec<Event>>);

impl AuditLog {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.0.lock().unwrap().clone()
    }
}

impl Auditor for AuditLog {
    fn reserve(&self) -> Reservation<'_> {
        let is_full = self.is_full.load(Ordering::Relaxed);
        let place = || Place::of(Arc::<Events>::clone(&self.events));
        Reservation::ready(if is_full { Err(Overloaded) } else { Ok(place()) })
    }
}

impl Ledger for Events {
    fn take(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[tokio::test]
async fn every_call_is_recorded_with_what_was_decided_and_how_it_ended() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    for (tool, arguments, status) in [
        ("get_data", json!({}), 200),
        ("get_data", json!({ "unknown": "secret argument" }), 200),
        ("create_data", json!({ "name": "x", "value": 1 }), 403),
        ("no_such_tool", json!({}), 200),
    ] {
        let sent = world.post(&token, call(tool, arguments)).header("mcp-session-id", &session).send().await;
        assert_eq!(sent.status, status, "{tool}");
    }
    let events = world.audit_log.events();
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let Decision { rule, verdict } = event.decision.as_ref().expect("every call was decided");
            (event.tool.as_deref(), *verdict, rule.as_ref(), event.outcome)
        })
        .collect();
    assert_eq!(seen[0], (Some("get_data"), Verdict::Allowed, "scope", Outcome::Succeeded));
    assert_eq!(seen[2], (Some("create_data"), Verdict::Denied, "scope", Outcome::Refused));
    assert_eq!(seen[3], (None, Verdict::Denied, "unknown tool", Outcome::Refused));
    assert_eq!(seen.len(), 4);
    for event in &events {
        let person = event.person.as_ref().expect("every call has somebody");
        assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("http://127.0.0.1:8080", "ada"));
        assert!(event.client_id.is_some() && event.duration_ms.is_some());
        assert_eq!(event.server.as_deref(), Some("demo"));
        assert!(!format!("{event:?}").contains("secret argument"), "arguments are nobody's business");
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_is_not_made() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let session = world.session(&token).await;
    let delete = call("delete_data", json!({ "item_id": 1 }));
    world.audit_log.is_full.store(true, Ordering::Relaxed);
    let refused = world.post(&token, delete.clone()).header("mcp-session-id", &session).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "2"));
    let params = json!({ "name": "delete_data", "arguments": { "item_id": 1 } });
    let bare = world.request("POST", "/mcp/v1/tools/call").bearer(&token).json(params).send().await;
    assert_eq!(bare.status, 503);
    world.audit_log.is_full.store(false, Ordering::Relaxed);
    let items =
        world.post(&token, call("get_data", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(items.tool()["total"], 3, "nothing was done");
}

#[tokio::test]
async fn a_call_whose_client_went_away_is_recorded_as_abandoned() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let session = world.session(&token).await;
    let create = call("create_data", json!({ "name": "x", "value": 1 }));
    let sent = world.post(&token, create).header("mcp-session-id", &session).send();
    assert!(sent.now_or_never().is_none(), "the call waits for the disk when the client goes");
    let events = world.audit_log.events();
    let [event] = &events[..] else { panic!("one call is one entry: {events:?}") };
    assert_eq!((event.tool.as_deref(), event.outcome), (Some("create_data"), Outcome::Abandoned));
}

#[tokio::test]
async fn calls_to_servers_elsewhere_are_recorded_when_they_have_ended() {
    let world = World::new().await;
    let upstream = Upstream::modern(|request| match request.json()["params"]["arguments"]["how"].as_str() {
        Some("stream") => {
            let message =
                format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{}}}}\n\n", request.json()["id"]);
            events(Body::from(message))
        }
        Some("fail") => reply(500, "{}"),
        Some("error") => result(request, r#"{"content":[],"isError":true}"#),
        Some("broken") => events(Body::from(": hello\n\n")),
        _ => result(request, "{}"),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    for (tool, how) in [
        ("echo", "json"),
        ("echo", "stream"),
        ("echo", "fail"),
        ("echo", "error"),
        ("echo", "broken"),
        ("delete", ""),
        ("env", ""),
    ] {
        let params = json!({ "name": tool, "arguments": { "how": how } });
        world.far_modern(&gateway, &token, "tools/call", params).send().await;
    }
    let events = world.audit_log.events();
    let seen: Vec<_> = events.iter().map(|event| (event.tool.as_deref(), event.outcome)).collect();
    let expected = [
        (Some("echo"), Outcome::Succeeded),
        (Some("echo"), Outcome::Succeeded),
        (Some("echo"), Outcome::Failed),
        (Some("echo"), Outcome::Failed),
        (Some("echo"), Outcome::Failed),
        (Some("delete"), Outcome::Refused),
        (None, Outcome::Refused),
    ];
    assert_eq!(seen, expected);
    assert!(events.iter().all(|event| event.server.as_deref() == Some("far")), "{events:?}");

    world.audit_log.is_full.store(true, Ordering::Relaxed);
    let calls = upstream.of("tools/call").len();
    let refused = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!((refused.status.as_u16(), upstream.of("tools/call").len()), (503, calls));
}

#[tokio::test]
async fn a_call_without_an_id_passes_by_nobody() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|_| accepted()).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "");
    let session = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = session.header("mcp-session-id").to_owned();
    let call = json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "delete" } });
    let refused = world.far(&gateway, &token, call).header("mcp-session-id", &session).send().await;
    assert_eq!(refused.status, 400);
    assert!(upstream.of("tools/call").is_empty());
}
