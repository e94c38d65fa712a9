//! UP-14: whose credential goes with a request, and what the server remembers of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway::{MemberServer, MemberSettings, ToolScopes, Transport, Whose};
use oauth::{ClientId, Issuer};
use serde_json::{Value, json};
use vault::Owner;

use super::hub::{Hub, legacy_server, link_in, modern_server, team, text, user};
use crate::relay::http_sse::server::{self, OldServer};
use crate::relay::upstream::{Upstream, result};
use crate::virtual_server::{remote_server, through};
use crate::world::{call, initialize, modern_body, resource};

const WITHIN: Duration = Duration::from_secs(5);

fn whoami() -> (&'static str, Value) {
    ("tools/call", json!({ "name": "whoami", "arguments": {} }))
}

/// What the tool says to this user; the link when they have to connect first.
async fn says(hub: &Hub, gateway: &Router, subject: &str) -> String {
    text(&hub.modern(gateway, subject, false, whoami()).send().await).0
}

#[tokio::test]
async fn up_14_everybody_acts_with_their_own_account_and_no_other() {
    for upstream in [modern_server().await, legacy_server().await] {
        let hub = Hub::new().await;
        let gateway = hub.behind(&upstream);
        hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
        assert_eq!(says(&hub, &gateway, "ada").await, "ada");
        link_in(&says(&hub, &gateway, "bob").await);
        let presented = |upstream: &Upstream| {
            upstream.all().iter().map(|sent| sent.header("authorization").to_owned()).collect::<Vec<_>>()
        };
        assert!(presented(&upstream).iter().all(|presented| presented == "Bearer token-of-ada"));
        hub.connect(user("bob"), "octo-bob", "token-of-bob").await;
        for _ in 0..5 {
            let (ada, bob) = tokio::join!(says(&hub, &gateway, "ada"), says(&hub, &gateway, "bob"));
            assert_eq!((ada.as_str(), bob.as_str()), ("ada", "bob"));
        }
    }
}

#[tokio::test]
async fn up_14_another_account_of_the_same_user_is_another_session_with_the_server() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let opened = hub.world.far(&gateway, &hub.token("ada"), initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let send = async |body: Value| {
        hub.world.far(&gateway, &hub.token("ada"), body).header("mcp-session-id", &session).send().await
    };
    assert_eq!(text(&send(call("whoami", json!({}))).await).0, "ada");
    assert_eq!(says(&hub, &gateway, "ada").await, "ada");
    let sessions = upstream.of("initialize").len();

    hub.world.clock.advance(Duration::from_secs(1));
    hub.connect(user("ada"), "octo-work", "token-of-work").await;
    let answer = send(call("whoami", json!({}))).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let listening = hub.world.request("GET", "/mcp/far").to(&gateway).bearer(&hub.token("ada"));
    assert_eq!(listening.header("mcp-session-id", &session).send().await.status, 404);
    assert_eq!(says(&hub, &gateway, "ada").await, "work");
    assert_eq!(upstream.of("initialize").len(), sessions + 1, "in a session of its own");
    assert_eq!(upstream.of("initialize").last().unwrap().header("authorization"), "Bearer token-of-work");
}

#[tokio::test]
async fn up_14_a_session_survives_that_its_credential_is_renewed() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let opened = hub.world.far(&gateway, &hub.token("ada"), initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id");
    hub.renewals.answer(Ok("token-of-ada-again"));
    hub.world.clock.advance(Duration::from_mins(59));
    let token = hub.token("ada");
    let called = hub.world.far(&gateway, &token, call("whoami", json!({}))).header("mcp-session-id", session);
    assert_eq!(text(&called.send().await).0, "ada-again");
    assert_eq!(hub.renewals.count(), 1);
}

#[tokio::test]
async fn up_14_a_team_shares_a_credential_by_an_explicit_grant_alone() {
    let mut hub = Hub::new().await;
    let upstream = modern_server().await;
    let platform = team(&["ada by name"], &["client_9"]);
    let owner = Owner::Team(platform.name.clone());
    hub.takes(|credentials| credentials.whose = Whose::Team(Arc::new(platform)));
    let gateway = hub.behind(&upstream);
    hub.connect(user("bob"), "octo-bob", "token-of-bob").await;
    link_in(&says(&hub, &gateway, "ada").await);
    hub.connect(owner, "octo-platform", "token-of-platform").await;
    assert_eq!(says(&hub, &gateway, "ada").await, "platform");
    let answer = hub.modern(&gateway, "bob", true, whoami()).send().await;
    assert!(answer.text.contains("team") && !answer.text.contains("/connect?e="), "{answer:?}");
    let with = |change: &dyn Fn(&mut oauth::access_token::AccessTokenClaims)| {
        hub.world.token_with("bob", "", |claims| {
            claims.aud = resource("/mcp/far");
            change(claims);
        })
    };
    let ops = with(&|claims| claims.roles = vec!["ops".to_owned()]);
    let nameless = with(&|claims| {
        claims.preferred_username = None;
        claims.client_id = ClientId::from_unverified("client_9");
    });
    let itself = with(&|claims| {
        (claims.sub, claims.preferred_username) = ("client_9".to_owned(), None);
        claims.client_id = ClientId::from_unverified("client_9");
    });
    for (token, belongs) in [(ops, true), (nameless, false), (itself, true)] {
        let answer = hub.modern_with(&gateway, &token, false, whoami()).send().await;
        assert_eq!(answer.text.contains("platform") && answer.code() == 0, belongs, "{answer:?}");
    }
    let audited = hub.world.audit_log.events();
    let denied =
        audited.iter().filter_map(|event| event.decision.as_ref()).filter(|decision| decision.rule == "team");
    assert_eq!(denied.count(), 2);
}

#[tokio::test]
async fn a_client_that_acts_for_nobody_has_no_person_to_ask() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("client_1"), "octo-ada", "token-of-ada").await;
    let token = hub.world.token_with("client_1", "", |claims| {
        claims.aud = resource("/mcp/far");
        (claims.preferred_username, claims.grant_id) = (None, None);
    });
    let (told, is_error) = text(&hub.modern_with(&gateway, &token, true, whoami()).send().await);
    assert!(is_error && told.contains("nobody") && !told.contains("/connect?e="), "{told}");
    assert_eq!(upstream.all().len(), 0);
    hub.connect(Owner::Client(ClientId::from_unverified("client_1")), "octo-bot", "token-of-bot").await;
    assert_eq!(text(&hub.modern_with(&gateway, &token, true, whoami()).send().await).0, "bot");
}

#[tokio::test]
async fn somebody_of_another_issuer_is_somebody_else() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let issuer = Issuer::parse("https://idp.example").unwrap();
    hub.connect(Owner::Subject { issuer, subject: "ada".to_owned() }, "octo-other", "token-of-other").await;
    link_in(&says(&hub, &gateway, "ada").await);
}

#[tokio::test]
async fn up_14_a_server_over_http_with_sse_has_a_stream_for_every_account() {
    let mut hub = Hub::new().await;
    hub.world.transport = Transport::HttpSse;
    let old = OldServer::start(|request| {
        let who = request.header("authorization").replace("Bearer token-of-", "");
        vec![server::result(request, &json!({ "content": [{ "type": "text", "text": who }] }))]
    })
    .await;
    let gateway = hub.world.gateway_to(&old.url(), ToolScopes::default());
    for name in ["ada", "bob"] {
        link_in(&says(&hub, &gateway, name).await);
        assert!(old.all().iter().all(|(_, sent)| !sent.header("authorization").contains(name)));
        hub.connect(user(name), &format!("octo-{name}"), &format!("token-of-{name}")).await;
        assert_eq!(says(&hub, &gateway, name).await, name);
    }
    assert_eq!(old.opened(), 2);
    hub.world.clock.advance(Duration::from_secs(1));
    hub.connect(user("ada"), "octo-work", "token-of-work").await;
    assert_eq!(says(&hub, &gateway, "ada").await, "work");
    assert_eq!(old.opened(), 3, "another account is another stream");
    for (number, sent) in old.all() {
        let owner = ["ada", "bob", "work"][usize::try_from(number - 1).unwrap()];
        assert_eq!(sent.header("authorization"), format!("Bearer token-of-{owner}"), "{sent:?}");
    }
}

#[tokio::test]
async fn gw_21_what_a_server_says_to_somebody_is_shared_with_nobody() {
    let hub = Hub::new().await;
    let upstream = Upstream::modern(|request| {
        result(
            request,
            r#"{"resultType":"complete","ttlMs":9,"cacheScope":"public","contents":[],"prompts":[],"resources":[],"x":1}"#,
        )
    })
    .await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    for (method, params) in [
        ("resources/read", json!({ "uri": "file:x" })),
        ("resources/list", json!({})),
        ("prompts/list", json!({})),
        ("server/discover", json!({})),
    ] {
        let answer = hub.modern(&gateway, "ada", true, (method, params)).send().await.json();
        assert_eq!(answer["result"]["cacheScope"], "private", "{method}: {answer}");
    }
}

#[tokio::test]
async fn a_members_link_reaches_the_client_of_the_joint_server() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let member = MemberSettings {
        name: "far".to_owned(),
        behind: MemberServer::Remote(
            remote_server("far", through(&format!("http://{}/mcp", upstream.address)), WITHIN),
            ToolScopes::default(),
            hub.world.credentials.clone(),
        ),
    };
    let gateway = hub.world.gateway_joining(WITHIN, vec![member]);
    let token = hub.world.all_token("");
    let send = async |method: &str, shows_links: bool, params: Value| {
        let named = params.get("name").and_then(Value::as_str).map(str::to_owned);
        let mut body = modern_body(method, params);
        if shows_links {
            body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
                json!({ "elicitation": { "url": {} } });
        }
        let sent = hub.world.request("POST", "/mcp/all").to(&gateway).bearer(&token).json(body);
        let sent = sent.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        match named {
            Some(name) => sent.header("mcp-name", &name).send().await,
            None => sent.send().await,
        }
    };
    let listed = send("tools/list", true, json!({})).await.json();
    assert_eq!(listed["result"]["tools"][0]["name"], "far__connect", "{listed}");
    let asked = send("tools/call", true, json!({ "name": "far__whoami", "arguments": {} })).await.json();
    let message = asked["result"]["inputRequests"]["connect-hub"]["params"]["message"].to_string();
    assert!(message.contains("Far away") && message.contains("whoami"), "{asked}");
    let told = send("tools/call", false, json!({ "name": "far__whoami", "arguments": {} })).await;
    link_in(&text(&told).0);
    hub.connect(user("alice"), "octo-ada", "token-of-ada").await;
    let again = json!({
        "name": "far__whoami",
        "arguments": {},
        "inputResponses": { "connect-hub": { "action": "accept" } },
    });
    assert_eq!(text(&send("tools/call", true, again).await).0, "ada");
}

#[tokio::test]
async fn up_14_nobody_listens_with_the_account_of_another() {
    let upstream = modern_server().await;
    let hub = Hub::new().await;
    let gateway = hub.behind(&upstream);
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    hub.connect(user("bob"), "octo-bob", "token-of-bob").await;
    let wanted = || ("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let listen = async |subject| hub.modern(&gateway, subject, false, wanted()).send().await;
    let (ada, bob) = tokio::join!(listen("ada"), listen("bob"));
    assert_eq!((text(&ada).0.as_str(), text(&bob).0.as_str()), ("ada", "bob"));
    let mut presented: Vec<_> = upstream
        .of("subscriptions/listen")
        .iter()
        .map(|sent| sent.header("authorization").to_owned())
        .collect();
    presented.sort();
    assert_eq!(presented, ["Bearer token-of-ada", "Bearer token-of-bob"]);
}
