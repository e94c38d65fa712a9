//! Clients of revisions up to 2025-11-25 without a credential.

use axum::Router;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::hub::{Hub, known, legacy_server, link_in, modern_server, text, user};
use crate::relay::listening::{next, open, told};
use crate::relay::questions::stream_to_say;
use crate::relay::upstream::{Upstream, accepted, events};
use crate::world::{Answer, call, initialize, rpc};

/// A session, of a client that shows links or not.
async fn session(hub: &Hub, gateway: &Router, version: &str, shows_links: bool) -> String {
    let mut body = initialize(version);
    if shows_links {
        body["params"]["capabilities"] = json!({ "elicitation": { "form": {}, "url": {} } });
    }
    let opened = hub.world.far(gateway, &hub.token("ada"), body).send().await;
    assert_eq!(opened.status, 200, "{opened:?}");
    opened.header("mcp-session-id").to_owned()
}

async fn send(hub: &Hub, gateway: &Router, session: &str, body: Value) -> Answer {
    hub.world.far(gateway, &hub.token("ada"), body).header("mcp-session-id", session).send().await
}

#[tokio::test]
async fn a_client_of_2025_11_25_that_shows_links_gets_the_error_for_it_and_hears_of_the_end() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    let session = session(&hub, &gateway, "2025-11-25", true).await;
    let listening = hub.world.request("GET", "/mcp/far").bearer(&hub.token("ada"));
    let listening =
        listening.header("accept", "text/event-stream").header("mcp-session-id", &session).build();
    let mut stream = gateway.clone().oneshot(listening).await.unwrap().into_body().into_data_stream();
    assert!(stream.next().await.is_some(), "it says that it is there");

    let answer = send(&hub, &gateway, &session, call("whoami", json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32042), "{answer:?}");
    let elicitations = answer.json()["error"]["data"]["elicitations"].clone();
    let [elicitation] = &elicitations.as_array().unwrap()[..] else { panic!("{answer:?}") };
    assert_eq!(elicitation["mode"], "url");
    let id = elicitation["elicitationId"].as_str().unwrap();
    assert!(elicitation["url"].as_str().unwrap().ends_with(&format!("/connect?e={id}")), "{elicitation}");
    assert_eq!(upstream.all().len(), 0, "nothing was sent");

    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let mut heard = String::new();
    while let Some(Ok(piece)) = stream.next().await {
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(heard.contains("notifications/tools/list_changed"), "{heard}");
    let complete = json!({ "elicitationId": id }).to_string();
    assert!(heard.contains("notifications/elicitation/complete") && heard.contains(&complete), "{heard}");
}

#[tokio::test]
async fn everybody_else_reads_the_link() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    for (version, shows_links) in [
        ("2025-11-25", false),
        ("2025-06-18", true),
        ("2025-06-18", false),
        ("2025-03-26", false),
        ("2024-11-05", true),
    ] {
        let session = session(&hub, &gateway, version, shows_links).await;
        let answer = send(&hub, &gateway, &session, call("whoami", json!({}))).await;
        let (told, is_error) = text(&answer);
        assert!(is_error && answer.json()["result"]["resultType"].is_null(), "{version}: {answer:?}");
        link_in(&told);
        let answer = send(&hub, &gateway, &session, rpc("prompts/get", json!({ "name": "x" }))).await;
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_ne!(answer.code(), -32042, "{version}: it would not understand: {answer:?}");
        link_in(&message);
    }
}

#[tokio::test]
async fn each_of_a_batch_is_told() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    let session = session(&hub, &gateway, "2025-03-26", false).await;
    let mut calls = [call("whoami", json!({})), call("other", json!({}))];
    calls[1]["id"] = json!(2);
    let answer = send(&hub, &gateway, &session, json!(calls)).await;
    let answers = answer.json();
    let links: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| link_in(answer["result"]["content"][0]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(links.len(), 2);
    assert_eq!(links[0], links[1], "it is one link");
}

#[tokio::test]
async fn a_client_over_http_with_sse_reads_it_on_its_stream() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    let token = hub.token("ada");
    let opening =
        hub.world.request("GET", "/mcp/far/sse").bearer(&token).header("accept", "text/event-stream");
    let mut stream = gateway.clone().oneshot(opening.build()).await.unwrap().into_body();
    let mut heard = String::new();
    let mut hear = async |until: &str| {
        while !heard.contains(until) {
            let frame = stream.frame().await.expect("the stream goes on").unwrap();
            heard.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
        }
        heard.clone()
    };
    let first = hear("\n\n").await;
    let endpoint = first.split("data: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let post = async |body: Value| {
        let sent = hub.world.request("POST", &endpoint).to(&gateway).bearer(&token).json(body).send().await;
        assert_eq!(sent.status, 202, "{sent:?}");
    };
    post(initialize("2024-11-05")).await;
    hear("protocolVersion").await;
    let mut asked = call("whoami", json!({}));
    asked["id"] = json!(7);
    post(asked).await;
    let told = hear("/connect?e=").await;
    assert!(told.contains(r#""id":7"#) && told.contains(r#""isError":true"#), "{told}");
}

#[tokio::test]
async fn a_session_with_a_modern_server_goes_on_when_the_account_is_connected() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let session = session(&hub, &gateway, "2025-11-25", true).await;
    let answer = send(&hub, &gateway, &session, call("whoami", json!({}))).await;
    assert_eq!(text(&answer), ("ada".to_owned(), false));
    assert!(upstream.all().iter().all(|sent| sent.header("authorization") == "Bearer token-of-ada"));
}

#[tokio::test]
async fn gw_29_an_older_client_that_listens_alone_is_told_no_credential() {
    let upstream = Upstream::modern_for(known, |request| {
        if request.rpc() != "subscriptions/listen" {
            return accepted();
        }
        let (say, stream) = stream_to_say();
        let why = request.header("authorization").replace("Bearer", "asked with");
        say.send(told("notifications/tools/list_changed", json!({ "why": why }))).unwrap();
        events(stream)
    })
    .await;
    let hub = Hub::new().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let token = hub.token("ada");
    let opening = hub.world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let listen = hub.world.request("GET", "/mcp/far").to(&gateway).bearer(&token);
    let listen = listen.header("mcp-session-id", opening.header("mcp-session-id"));
    let mut stream = open(&gateway, listen).await;
    assert_eq!(next(&mut stream).await["params"], json!({ "why": "asked with [redacted]" }));
    assert_eq!(upstream.of("subscriptions/listen")[0].header("authorization"), "Bearer token-of-ada");
}
