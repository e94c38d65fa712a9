//! VA-21: what stands open with a credential ends when its user disconnects the account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::json;

use super::hub::{self, Hub, user};
use crate::relay::listening::{next, open, told};
use crate::relay::questions::{Say, stream_to_say, until};
use crate::relay::upstream::{Arrived, Upstream, events, result};
use crate::world::initialize;

/// Every stream that the server has open, with the credential that came along.
type Streams = Arc<Mutex<Vec<(String, Say)>>>;

const CHANGED: &str = "notifications/tools/list_changed";

fn streams_of(streams: &Streams) -> impl Fn(&Arrived) -> Response + Send + Sync + 'static {
    let streams = streams.clone();
    move |request| {
        let (say, stream) = stream_to_say();
        if request.rpc() == "subscriptions/listen" {
            say.send(told("notifications/subscriptions/acknowledged", json!({ "notifications": { "toolsListChanged": true }, "_meta": { "io.modelcontextprotocol/subscriptionId": 1 } }))).unwrap();
        } else if request.method != "GET" {
            return result(request, "{}");
        }
        streams.lock().unwrap().push((request.header("authorization").to_owned(), say));
        events(stream)
    }
}

/// The stream that this token opened.
fn of(streams: &Streams, token: &str) -> Say {
    let streams = streams.lock().unwrap();
    let mut found = streams.iter().filter(|(header, _)| *header == format!("Bearer {token}"));
    found.next().expect("it is open").1.clone()
}

/// The rest of a stream, which ends.
async fn rest(body: Body) -> String {
    let rest = tokio::time::timeout(Duration::from_secs(10), body.collect()).await.expect("it ends");
    String::from_utf8(rest.unwrap().to_bytes().to_vec()).unwrap()
}

async fn disconnect(hub: &Hub, subject: &str) {
    let connections = hub.vault.connections(&user(subject)).await.unwrap();
    hub.vault.delete(&user(subject), &connections[0].id).await.unwrap();
}

#[tokio::test]
async fn va_21_a_stream_ends_with_the_connection_that_it_was_opened_with() {
    let streams = Streams::default();
    let upstream = Upstream::modern_for(hub::known, streams_of(&streams)).await;
    let hub = Hub::new().await;
    let gateway = hub.behind(&upstream);
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let mut bodies = Vec::new();
    for subject in ["ada", "bob"] {
        hub.connect(user(subject), subject, &format!("token-of-{subject}")).await;
        let asked = hub.modern(&gateway, subject, false, ("subscriptions/listen", listen.clone()));
        let mut body = open(&gateway, asked).await;
        assert_eq!(next(&mut body).await["method"], "notifications/subscriptions/acknowledged");
        bodies.push(body);
    }
    let [of_ada, mut of_bob] = bodies.try_into().unwrap();
    disconnect(&hub, "ada").await;
    let told_ada = rest(of_ada).await;
    assert!(told_ada.contains("is not connected any more"), "{told_ada}");
    until("the server is left", || of(&streams, "token-of-ada").is_closed()).await;

    of(&streams, "token-of-bob").send(told(CHANGED, json!({}))).unwrap();
    assert_eq!(next(&mut of_bob).await["method"], CHANGED, "another's stays");
    // The next account is another connection, and another stream.
    hub.connect(user("ada"), "ada", "token-of-ada-2").await;
    let mut again =
        open(&gateway, hub.modern(&gateway, "ada", false, ("subscriptions/listen", listen))).await;
    assert_eq!(next(&mut again).await["method"], "notifications/subscriptions/acknowledged");
    disconnect(&hub, "bob").await;
    rest(of_bob).await;
    of(&streams, "token-of-ada-2").send(told(CHANGED, json!({}))).unwrap();
    assert_eq!(next(&mut again).await["method"], CHANGED);
}

#[tokio::test]
async fn va_21_the_stream_of_a_session_ends_with_its_connection() {
    let streams = Streams::default();
    let opened = streams_of(&streams);
    let upstream = Upstream::legacy_for(
        move |request| hub::known(request).or_else(|| (request.method == "GET").then(|| opened(request))),
        |request| result(request, "{}"),
    )
    .await;
    let hub = Hub::new().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "ada", "token-of-ada").await;
    let session = hub.world.far(&gateway, &hub.token("ada"), initialize("2025-11-25")).send().await;
    let listening = hub.world.request("GET", "/mcp/far").to(&gateway).bearer(&hub.token("ada"));
    let mut body = open(&gateway, listening.header("mcp-session-id", session.header("mcp-session-id"))).await;
    until("the stream is open", || !streams.lock().unwrap().is_empty()).await;
    of(&streams, "token-of-ada").send(told(CHANGED, json!({}))).unwrap();
    assert_eq!(next(&mut body).await["method"], CHANGED);
    disconnect(&hub, "ada").await;
    rest(body).await;
    until("the server is left", || of(&streams, "token-of-ada").is_closed()).await;
}
