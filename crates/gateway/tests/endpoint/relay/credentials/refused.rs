//! Servers that refuse the credential, and providers that give no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use vault::provider::Failure;

use super::hub::{self, Hub, legacy_server, link_in, modern_server, refused, text, user};
use crate::relay::upstream::{Upstream, result};
use crate::world::{call, initialize};

fn whoami() -> (&'static str, Value) {
    ("tools/call", json!({ "name": "whoami", "arguments": {} }))
}

#[tokio::test]
async fn a_credential_that_is_refused_is_refreshed_once_and_the_call_sent_again() {
    for (upstream, is_modern) in [(modern_server().await, true), (legacy_server().await, false)] {
        let hub = Hub::new().await;
        let gateway = hub.behind(&upstream);
        hub.connect(user("ada"), "octo-ada", "stale").await;
        hub.renewals.answer(Ok("token-of-ada"));
        let answer = hub.modern(&gateway, "ada", true, whoami()).send().await;
        assert_eq!(text(&answer), ("ada".to_owned(), false), "modern: {is_modern}");
        assert_eq!(hub.renewals.count(), 1);
        let presented: Vec<_> =
            upstream.all().iter().map(|sent| sent.header("authorization").to_owned()).collect();
        assert_eq!(
            presented.iter().filter(|presented| *presented == "Bearer stale").count(),
            1,
            "{presented:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_credential_leads_to_the_link() {
    let hub = Hub::new().await;
    let upstream = Upstream::modern_for(
        |request| (request.rpc() == "tools/call").then(|| refused(401, "Bearer error=\"invalid_token\"")),
        |request| result(request, "{}"),
    )
    .await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    hub.renewals.answer(Ok("token-of-ada-2"));
    let (told, is_error) = text(&hub.modern(&gateway, "ada", false, whoami()).send().await);
    assert!(is_error, "{told}");
    link_in(&told);
    assert_eq!((upstream.of("tools/call").len(), hub.renewals.count()), (2, 1), "twice is enough");
}

#[tokio::test]
async fn a_server_that_wants_more_scopes_leads_to_a_link_for_all_of_them() {
    let allowed = Arc::new(AtomicBool::new(false));
    let allows = allowed.clone();
    let hub = Hub::new().await;
    let upstream = Upstream::modern_for(
        move |request| {
            let needs_more = request.rpc() == "tools/call" && !allows.load(Ordering::Relaxed);
            needs_more.then(|| refused(403, "Bearer error=\"insufficient_scope\", scope=\"workflow gist\""))
        },
        |request| result(request, r#"{"resultType":"complete","content":[{"type":"text","text":"done"}]}"#),
    )
    .await;
    let gateway = hub.behind(&upstream);
    hub.connect_with(user("ada"), "octo-ada", "token-of-ada", "repo user").await;
    let (told, _) = text(&hub.modern(&gateway, "ada", false, whoami()).send().await);
    let link = link_in(&told);
    let id = link.rsplit('=').next().unwrap();
    let request = hub.vault.connect_request(id).await.unwrap().expect("it is there");
    assert_eq!(request.scope, hub::scope("gist repo user workflow"));
    assert_eq!(upstream.of("tools/call").len(), 1);
    assert_eq!(hub.renewals.count(), 0, "a new token of the same kind would not help");

    // A call that comes again waits for these scopes, and not for a connection that is there already.
    let again = json!({ "name": "whoami", "arguments": {}, "inputResponses": { "connect-hub": { "action": "accept" } } });
    let (answer, ()) = tokio::join!(hub.modern(&gateway, "ada", true, ("tools/call", again)).send(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        allowed.store(true, Ordering::Relaxed);
        hub.connect_with(user("ada"), "octo-ada", "token-of-ada", "gist repo user workflow").await;
    });
    assert_eq!(text(&answer), ("done".to_owned(), false), "{answer:?}");
}

#[tokio::test]
async fn a_tool_that_needs_more_than_was_granted_is_not_sent() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let delete = ("tools/call", json!({ "name": "delete", "arguments": {} }));
    let (told, _) = text(&hub.modern(&gateway, "ada", false, delete).send().await);
    let request =
        hub.vault.connect_request(link_in(&told).rsplit('=').next().unwrap()).await.unwrap().unwrap();
    assert_eq!(request.scope, hub::scope("admin repo"));
    assert_eq!(upstream.of("tools/call").len(), 0);
    assert_eq!(text(&hub.modern(&gateway, "ada", false, whoami()).send().await).0, "ada", "others go on");
}

#[tokio::test]
async fn a_provider_that_is_down_is_named_with_when_to_try_again() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "stale").await;
    hub.renewals.answer(Err(Failure::Server { status: 503, retry_after: Some(Duration::from_secs(77)) }));
    let (told, is_error) = text(&hub.modern(&gateway, "ada", true, whoami()).send().await);
    assert!(is_error && told.contains("try again in") && told.contains("seconds"), "{told}");
    let listed = hub.modern(&gateway, "ada", true, ("tools/list", json!({}))).send().await;
    assert_eq!(listed.status, 503, "{listed:?}");
    assert!(listed.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(listed.json()["error"]["message"].to_string().contains("try again in"), "{listed:?}");
}

#[tokio::test]
async fn gw_06_the_clients_own_token_stays_and_the_servers_does_not_come_back() {
    let hub = Hub::new().await;
    let upstream = Upstream::modern_for(hub::known, |request| {
        let header = request.header("authorization");
        // JSON in the text, which spells it in another way.
        let quoted = format!(r#"{{"saw":"{}"}}"#, header.replace('-', r"\u002d"));
        let content = json!([{ "type": "text", "text": header }, { "type": "text", "text": quoted }]);
        result(request, &json!({ "resultType": "complete", "content": content }).to_string())
    })
    .await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let answer = hub.modern(&gateway, "ada", true, whoami()).send().await;
    assert_eq!(text(&answer).0, "Bearer [redacted]");
    assert_eq!(answer.json()["result"]["content"][1]["text"], r#"{"saw":"Bearer [redacted]"}"#);
    for sent in upstream.all() {
        assert_eq!(sent.headers.get_all("authorization").iter().count(), 1);
        assert_eq!(sent.header("authorization"), "Bearer token-of-ada");
    }
    let mut opened = initialize("2025-11-25");
    opened["params"]["capabilities"] = json!({});
    let opened = hub.world.far(&gateway, &hub.token("ada"), opened).send().await;
    let called = hub.world.far(&gateway, &hub.token("ada"), call("whoami", json!({})));
    let answer = called.header("mcp-session-id", opened.header("mcp-session-id")).send().await;
    assert!(!answer.text.contains("token-of-ada"), "{answer:?}");
}
