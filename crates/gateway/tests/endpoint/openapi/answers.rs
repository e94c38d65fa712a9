//! What becomes of what an API answers.

use std::time::Duration;

use audit::{Kind, Outcome};
use secret::Secret;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::recorder::{Api, answer, call, json_answer, said};
use crate::world::World;

fn thing() -> Value {
    json!({ "/thing": { "get": { "operationId": "getThing" } } })
}

async fn result_of(reply: Vec<u8>) -> (Vec<String>, bool, Value) {
    let world = World::new().await;
    let api = Api::start(move |_| reply.clone()).await;
    let gateway = api.behind(&world, &thing());
    let answer = call(&world, &gateway, "getThing", json!({})).await;
    let (texts, is_error) = said(&answer);
    (texts, is_error, answer.json()["result"].clone())
}

#[tokio::test]
async fn objects_are_structured_and_lists_are_items() {
    let (texts, is_error, result) = result_of(json_answer(200, r#"{"a":1.50}"#)).await;
    assert_eq!(
        (texts[0].as_str(), is_error, &result["structuredContent"]),
        (r#"{"a":1.50}"#, false, &json!({ "a": 1.5 }))
    );
    let (_, _, result) = result_of(json_answer(200, "[1,2]")).await;
    assert_eq!(result["structuredContent"], json!({ "items": [1, 2] }));
    assert_eq!(result["resultType"], "complete");
}

#[tokio::test]
async fn failures_of_the_api_are_results_and_recorded_as_failures() {
    let world = World::new().await;
    let api = Api::start(|_| {
        answer(429, "retry-after: 7\r\ncontent-type: application/json\r\n", br#"{"message":"slow down"}"#)
    })
    .await;
    let gateway = api.behind(&world, &thing());
    let (texts, is_error) = said(&call(&world, &gateway, "getThing", json!({})).await);
    assert!(is_error && texts[0].contains("7 seconds") && texts[0].contains("slow down"), "{texts:?}");
    let events = world.audit_log.events();
    let recorded = events.iter().find(|event| event.kind == Kind::ToolCall).unwrap();
    assert_eq!(recorded.outcome, Outcome::Failed);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Api::content().await;
    let location = format!("location: http://{}/internal?key=s3cret\r\n", elsewhere.address);
    for status in [301, 302, 303, 307, 308] {
        let (texts, is_error, _) = result_of(answer(status, &location, b"")).await;
        assert!(is_error && texts[0].contains("not followed") && !texts[0].contains("s3cret"), "{texts:?}");
    }
    assert_eq!(elsewhere.received(), Vec::<String>::new());
}

#[tokio::test]
async fn large_answers_are_cut_and_say_so() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let (texts, is_error, result) = result_of(json_answer(200, &large)).await;
    assert!(!is_error && result.get("structuredContent").is_none());
    assert_eq!(texts[0].len(), 1024 * 1024);
    assert!(texts[1].contains("cut after 1048576 bytes"), "{}", texts[1]);
}

#[tokio::test]
async fn answers_that_break_the_protocol_are_failures() {
    for reply in [
        b"no http\r\n\r\n".to_vec(),
        Vec::new(),
        b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nshort".to_vec(),
        b"HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec(),
    ] {
        let (texts, is_error, _) = result_of(reply).await;
        assert!(is_error && texts[0].starts_with("The call failed"), "{texts:?}");
    }
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_given_up() {
    let world = World::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", silent.local_addr().unwrap());
    let document = json!({ "openapi": "3.1.0", "paths": thing() });
    let way = super::recorder::way(
        &document,
        openapi::Settings::default(),
        &base,
        outbound::Egress::public().with_loopback(),
    );
    let gateway = world.gateway_by(way, gateway::AllowedRequests::default());
    let answer =
        timeout(Duration::from_secs(20), call(&world, &gateway, "getThing", json!({}))).await.unwrap();
    let (texts, is_error) = said(&answer);
    assert!(is_error && texts[0].contains("in time") && texts[0].contains("not known"), "{texts:?}");
}

#[tokio::test]
async fn secrets_of_the_configuration_do_not_come_back() {
    let mut world = World::new().await;
    world.secrets = vec![Secret::new("hunter2/hunter2".to_owned())];
    for (status, body) in [(200, r#"{"token":"hunter2\/hunter2"}"#), (500, r#"{"token":"hunter2/hunter2"}"#)]
    {
        let api = Api::start(move |_| json_answer(status, body)).await;
        let gateway = api.behind(&world, &thing());
        let answer = call(&world, &gateway, "getThing", json!({})).await;
        assert!(!answer.text.contains("hunter2") && answer.text.contains("[redacted]"), "{answer:?}");
    }
}
