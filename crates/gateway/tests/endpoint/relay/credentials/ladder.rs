//! A client of 2026-07-28 without a credential.

use std::time::Duration;

use audit::{Kind, Outcome};
use oauth::ClientId;
use serde_json::{Value, json};

use super::hub::{Hub, link_in, modern_server, text, user};
use crate::world::{Answer, resource};

const CALL: &str = "tools/call";

fn whoami() -> (&'static str, Value) {
    (CALL, json!({ "name": "whoami", "arguments": {} }))
}

fn again(action: &str) -> (&'static str, Value) {
    (
        CALL,
        json!({ "name": "whoami", "arguments": {}, "inputResponses": { "connect-hub": { "action": action } } }),
    )
}

/// The link of an input-required result.
#[track_caller]
fn asked(answer: &Answer) -> String {
    let result = &answer.json()["result"];
    assert_eq!(
        (answer.status.as_u16(), &result["resultType"]),
        (200, &json!("input_required")),
        "{answer:?}"
    );
    assert!(result["ttlMs"].is_null() && result["requestState"].is_null(), "{answer:?}");
    let request = &result["inputRequests"]["connect-hub"];
    assert_eq!(
        (&request["method"], &request["params"]["mode"]),
        (&json!("elicitation/create"), &json!("url"))
    );
    assert!(request["params"]["message"].as_str().unwrap().contains("whoami"), "{answer:?}");
    request["params"]["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn up_11_a_client_that_shows_links_is_asked_by_the_result_and_goes_on_when_it_comes_again() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let link = asked(&hub.modern(&gateway, "ada", true, whoami()).send().await);
    let id = link
        .strip_prefix("http://127.0.0.1:8080/connect?e=")
        .expect("a page of ours, with nothing but an id");
    assert!(id.len() >= 22 && !link.contains("ada"), "{link}");
    assert_eq!(upstream.all().len(), 0, "nothing was sent");

    let (answer, ()) = tokio::join!(hub.modern(&gateway, "ada", true, again("accept")).send(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    });
    assert_eq!(text(&answer), ("ada".to_owned(), false));
    let [arrived] = &upstream.of(CALL)[..] else { panic!("it is called once") };
    assert_eq!(arrived.header("authorization"), "Bearer token-of-ada");
    assert!(!arrived.text.contains("inputResponses"), "what we asked is not the server's: {arrived:?}");

    let later = hub.modern(&gateway, "ada", true, whoami()).send().await;
    assert_eq!(text(&later), ("ada".to_owned(), false));
    let calls: Vec<_> = hub.world.audit_log.events();
    let calls: Vec<_> = calls.iter().filter(|event| event.kind == Kind::ToolCall).collect();
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (call.outcome, call.account.as_deref(), call.detail.get("asked_to_connect").map(String::as_str))
        })
        .collect();
    let expected = [
        (Outcome::Refused, None, Some("hub")),
        (Outcome::Succeeded, Some("octo-ada"), None),
        (Outcome::Succeeded, Some("octo-ada"), None),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_link_that_is_declined_fails_the_call_and_one_not_followed_is_shown_again() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let link = asked(&hub.modern(&gateway, "ada", true, whoami()).send().await);
    for action in ["decline", "cancel"] {
        let (text, is_error) = text(&hub.modern(&gateway, "ada", true, again(action)).send().await);
        assert!(is_error && text.contains("declined"), "{text}");
    }
    let unanswered = (CALL, json!({ "name": "whoami", "arguments": {}, "inputResponses": {} }));
    assert_eq!(asked(&hub.modern(&gateway, "ada", true, unanswered).send().await), link, "asked again");
    let began = tokio::time::Instant::now();
    assert_eq!(asked(&hub.modern(&gateway, "ada", true, again("accept")).send().await), link);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(15) && waited < Duration::from_secs(30), "{waited:?}");
    assert_eq!(upstream.all().len(), 0);
}

#[tokio::test]
async fn what_a_server_gave_to_hold_comes_back_and_its_own_answers_pass() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let params = json!({
        "name": "whoami",
        "arguments": {},
        "requestState": "the server's",
        "inputResponses": { "connect-hub": { "action": "accept" }, "question": { "action": "accept" } },
    });
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    hub.modern(&gateway, "ada", true, (CALL, params)).send().await;
    let sent = upstream.of(CALL)[0].json()["params"].clone();
    assert_eq!(sent["inputResponses"], json!({ "question": { "action": "accept" } }));
    assert_eq!(sent["requestState"], "the server's");
    let params = json!({ "name": "whoami", "arguments": {}, "requestState": "the server's" });
    let answer = hub.modern(&gateway, "bob", true, (CALL, params)).send().await;
    assert_eq!(answer.json()["result"]["requestState"], "the server's", "{answer:?}");
}

#[tokio::test]
async fn a_client_that_shows_no_links_reads_one() {
    let mut hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let answer = hub.modern(&gateway, "ada", false, whoami()).send().await;
    let (told, is_error) = text(&answer);
    assert!(is_error && told.contains("try again"), "{told}");
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    let link = link_in(&told);

    hub.takes(|credentials| credentials.is_strict = true);
    let strict = hub.behind(&upstream);
    let answer = hub.modern(&strict, "ada", false, whoami()).send().await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32021), "{answer:?}");
    let required = &answer.json()["error"]["data"]["requiredCapabilities"];
    assert_eq!(*required, json!({ "elicitation": { "url": {} } }));
    assert_eq!(
        asked(&hub.modern(&strict, "ada", true, whoami()).send().await),
        link,
        "one link for one client"
    );
}

#[tokio::test]
async fn what_is_no_tool_call_is_told_as_its_method_allows() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    for (method, params) in
        [("prompts/get", json!({ "name": "x" })), ("resources/read", json!({ "uri": "file:x" }))]
    {
        let answer = hub.modern(&gateway, "ada", true, (method, params.clone())).send().await;
        assert_eq!(answer.json()["result"]["resultType"], "input_required", "{method}: {answer:?}");
        let answer = hub.modern(&gateway, "ada", false, (method, params)).send().await;
        let message = answer.json()["error"]["message"].to_string();
        assert!(answer.code() != 0 && message.contains("/connect?e="), "{method}: {answer:?}");
    }
    let reference =
        json!({ "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "a", "value": "" } });
    let answer = hub.modern(&gateway, "ada", true, ("completion/complete", reference)).send().await;
    assert!(answer.json()["error"]["message"].to_string().contains("/connect?e="), "{answer:?}");
}

#[tokio::test]
async fn asking_again_and_again_makes_one_link_and_other_clients_another() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let first = asked(&hub.modern(&gateway, "ada", true, whoami()).send().await);
    for _ in 0..20 {
        assert_eq!(asked(&hub.modern(&gateway, "ada", true, whoami()).send().await), first);
    }
    assert_ne!(asked(&hub.modern(&gateway, "bob", true, whoami()).send().await), first);
    let other = hub.world.token_with("ada", "", |claims| {
        claims.aud = resource("/mcp/far");
        claims.client_id = ClientId::from_unverified("client_2");
    });
    let answer = hub.modern_with(&gateway, &other, true, whoami()).send().await;
    assert_ne!(asked(&answer), first);
}
