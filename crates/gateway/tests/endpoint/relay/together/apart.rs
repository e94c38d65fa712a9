//! What is not shared: what others asked for, what others may not hear, and whatever is somebody's own (GW-22).

use audit::Kind;
use axum::body::Body;
use futures_util::future::join_all;
use gateway::policy::{Effect, Policy, PolicySettings, RuleSettings};
use http_body_util::BodyExt;
use secret::Secret;
use serde_json::{Value, json};

use super::super::listening::{next, open, told};
use super::super::questions::until;
use super::super::upstream::{Upstream, accepted, events};
use super::{ID, Telling, tools, tools_changed, tools_changed_for};
use crate::world::{World, initialize, rpc};

fn updated(uri: &str, id: &Value) -> Value {
    told("notifications/resources/updated", json!({ "uri": uri, "_meta": { ID: id } }))
}

#[tokio::test]
async fn gw_22_who_asks_for_something_else_hears_something_else() {
    let telling = Telling::new().await;
    let about = |uri: &str| json!({ "resourceSubscriptions": [uri] });
    let mut ada = telling.listen("ada", json!("ada"), about("a:ada")).await;
    let mut bob = telling.listen("bob", json!("bob"), about("a:bob")).await;
    let (first, second) = (next(&mut ada).await, next(&mut bob).await);
    assert_eq!(first["params"]["notifications"], about("a:ada"));
    assert_eq!(second["params"]["notifications"], about("a:bob"));
    assert_eq!(telling.count(), 2);

    // A server that says everything on every stream.
    for stream in [0, 1] {
        for message in [
            tools_changed(),
            told("notifications/message", json!({ "level": "info", "data": "x", "_meta": { ID: 1 } })),
            told("notifications/progress", json!({ "progressToken": "bob", "progress": 1 })),
            updated("a:ada", &json!(1)),
            updated("a:bob", &json!("bob")),
        ] {
            telling.say(stream).send(message).unwrap();
        }
        telling.say(stream).send(updated("a:ada/last", &json!("ada"))).unwrap();
        telling.say(stream).send(updated("a:bob/last", &json!(1))).unwrap();
    }
    for (body, user) in [(&mut ada, "ada"), (&mut bob, "bob")] {
        let uri = format!("a:{user}");
        assert_eq!(next(body).await, updated(&uri, &json!(user)));
        assert_eq!(next(body).await, updated(&format!("{uri}/last"), &json!(user)));
    }
}

#[tokio::test]
async fn gw_22_two_hundred_listeners_hear_their_own() {
    let telling = Telling::new().await;
    let filter = |number: usize| json!({ "resourceSubscriptions": [format!("a:{}", number % 4)] });
    let listen = |number: usize| telling.listen("ada", json!(format!("{number}")), filter(number));
    let mut bodies = join_all((0..200).map(listen)).await;
    assert_eq!(telling.count(), 4);
    for (number, body) in bodies.iter_mut().enumerate() {
        let first = next(body).await;
        assert_eq!(first["params"]["_meta"][ID], number.to_string());
        assert_eq!(first["params"]["notifications"], filter(number));
    }
    for round in 0..20 {
        for (asked, say) in telling.streams.lock().unwrap().iter() {
            let uri = asked["resourceSubscriptions"][0].as_str().unwrap();
            say.send(updated(&format!("{uri}/{round}"), &json!(1))).unwrap();
        }
        for (number, body) in bodies.iter_mut().enumerate() {
            let expected = updated(&format!("a:{}/{round}", number % 4), &json!(number.to_string()));
            assert_eq!(next(body).await, expected);
        }
    }
}

#[tokio::test]
async fn gw_22_what_says_something_of_one_client_has_a_stream_of_its_own() {
    let telling = Telling::new().await;
    let mut shared = telling.listen("ada", json!(1), tools()).await;
    next(&mut shared).await;
    let meta = |name: &str, value: Value| {
        let mut body = Telling::request(&json!("own"), &tools());
        body["params"]["_meta"][name] = value;
        body
    };
    let mut with_param = Telling::request(&json!("own"), &tools());
    with_param["params"]["x"] = json!(1);
    let mut with_filter = Telling::request(&json!("own"), &tools());
    with_filter["params"]["notifications"]["taskIds"] = json!(["1"]);
    let bodies = [
        meta("progressToken", json!(1)),
        meta("com.example/tenant", json!("7")),
        meta("io.modelcontextprotocol/clientCapabilities", json!({ "extensions": { "com.example/x": {} } })),
        with_param,
        with_filter,
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let mut own = telling.send("ada", body.clone()).await.into_body();
        assert_eq!(next(&mut own).await["params"]["_meta"][ID], "own", "{body}");
        assert_eq!(telling.count(), number + 2, "{body}");
        let sent = telling.upstream.of("subscriptions/listen").pop().unwrap().json();
        assert_eq!(sent["params"], body["params"], "as it came");
        telling.say(number + 1).send(tools_changed()).unwrap();
        assert_eq!(next(&mut own).await, tools_changed(), "and so does what is told");
    }
    telling.say(0).send(tools_changed()).unwrap();
    assert_eq!(next(&mut shared).await, tools_changed_for(&json!(1)));
}

#[tokio::test]
async fn gw_17_a_large_filter_is_shared_with_nobody_in_either_era() {
    let telling = Telling::new().await;
    let large = format!("a:{}", "x".repeat(4095));
    let filter = json!({ "toolsListChanged": true, "resourceSubscriptions": [large] });
    let mut modern = telling.listen("ada", json!("own"), filter.clone()).await;
    next(&mut modern).await;

    let (world, gateway) = (&telling.world, &telling.gateway);
    let token = world.far_token("bob", "use");
    let opening = world.far(gateway, &token, initialize("2025-11-25")).send().await;
    let session = opening.header("mcp-session-id").to_owned();
    let subscribe = world.far(gateway, &token, rpc("resources/subscribe", json!({ "uri": large })));
    let subscribed = subscribe.header("mcp-session-id", &session).send().await;
    assert_eq!(subscribed.json()["result"], json!({}), "{subscribed:?}");
    let listen = world.request("GET", "/mcp/far").to(gateway).bearer(&token);
    let mut legacy = open(gateway, listen.header("mcp-session-id", &session)).await;
    let reading = tokio::spawn(async move { next(&mut legacy).await });
    until("the older client listens", || telling.streams.lock().unwrap().len() == 2).await;
    telling.say(1).send(tools_changed()).unwrap();
    assert_eq!(reading.await.unwrap()["method"], "notifications/tools/list_changed");

    for asked in telling.upstream.of("subscriptions/listen") {
        let params = &asked.json()["params"];
        assert_eq!(params["notifications"], filter);
        let client = &params["_meta"]["io.modelcontextprotocol/clientInfo"]["name"];
        assert_ne!(client, "vestibule", "it is asked for the one who listens");
    }
}

#[tokio::test]
async fn gw_23_nobody_hears_of_what_the_policy_keeps_from_them() {
    let rule = RuleSettings {
        name: "not for bob".to_owned(),
        effect: Effect::Deny,
        resources: Some(vec!["a:secret*".to_owned()]),
        users: vec!["bob*".to_owned()],
        ..RuleSettings::default()
    };
    let mut world = World::new().await;
    world.policy = Policy::new(&PolicySettings { rules: vec![rule], ..PolicySettings::default() }).unwrap();
    let telling = Telling::before(world).await;
    let secret = json!({ "resourceSubscriptions": ["a:secret"] });
    let mut ada = telling.listen("ada", json!("ada"), secret.clone()).await;
    next(&mut ada).await;
    let denied = telling.refused("bob", json!("bob"), secret).await;
    assert!(denied.code() != 0 && !denied.text.contains("acknowledged"), "{denied:?}");
    let mut bob = telling.listen("bob", json!("bob"), json!({ "resourceSubscriptions": ["a:open"] })).await;
    next(&mut bob).await;
    assert_eq!(telling.count(), 2, "the one who was denied is not asked for");
    for stream in [0, 1] {
        telling.say(stream).send(updated("a:secret", &json!(1))).unwrap();
        telling.say(stream).send(updated("a:open", &json!(1))).unwrap();
    }
    assert_eq!(next(&mut ada).await, updated("a:secret", &json!("ada")));
    assert_eq!(next(&mut bob).await, updated("a:open", &json!("bob")));
}

#[tokio::test]
async fn every_server_has_streams_of_its_own() {
    let telling = Telling::new().await;
    let other = Telling::new().await;
    let mut one = telling.listen("ada", json!(1), tools()).await;
    let mut two = other.listen("ada", json!(2), tools()).await;
    let (_, _) = (next(&mut one).await, next(&mut two).await);
    // The same server, as another server of the configuration.
    let again = telling.upstream.behind(&telling.world);
    let token = telling.world.far_token("ada", "use");
    let listen =
        telling.world.far_modern(&again, &token, "subscriptions/listen", json!({ "notifications": tools() }));
    let mut three = open(&again, listen).await;
    next(&mut three).await;
    assert_eq!((telling.count(), other.count()), (2, 1));
}

#[tokio::test]
async fn gw_29_a_secret_reaches_none_of_them() {
    const SECRET: &str = "hunter2hunter2";
    let mut world = World::new().await;
    world.secrets = vec![Secret::new(SECRET.to_owned())];
    let telling = Telling::before(world).await;
    let mut bodies = join_all((0..3).map(|id| telling.listen("ada", json!(id), tools()))).await;
    for body in &mut bodies {
        next(body).await;
    }
    for _ in 0..2 {
        let params = json!({ "why": format!("with {SECRET}"), "_meta": { ID: 1 } });
        telling.say(0).send(told("notifications/tools/list_changed", params)).unwrap();
    }
    for (id, body) in bodies.iter_mut().enumerate() {
        for _ in 0..2 {
            assert_eq!(next(body).await["params"], json!({ "why": "with [redacted]", "_meta": { ID: id } }));
        }
    }
    let events = telling.world.audit_log.events();
    let redactions = events.iter().filter(|event| event.kind == Kind::Redaction).count();
    assert_eq!(redactions, 3, "once for each answer");
}

#[tokio::test]
async fn gw_29_an_event_without_a_message_is_a_sign_of_life_and_no_more() {
    const SECRET: &str = "hunter2hunter2";
    let mut world = World::new().await;
    world.secrets = vec![Secret::new(SECRET.to_owned())];
    let mut telling = Telling::before(world).await;
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "subscriptions/listen" => {
            let events_without =
                format!(": {SECRET}\n\nid: {SECRET}\nevent: {SECRET}\n\nretry: 1\ndata:\n\n");
            events(Body::from(format!("{events_without}data: {}\n\n", tools_changed())))
        }
        _ => accepted(),
    })
    .await;
    telling.gateway = upstream.behind(&telling.world);
    let body = telling.listen("ada", json!(7), tools()).await.collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    let (signs, messages) = text.split_once("event: ").unwrap();
    assert!(!signs.is_empty() && signs.replace(":\n\n", "").is_empty(), "{text}");
    let told = format!("message\ndata: {}\n\n", tools_changed_for(&json!(7)));
    assert!(messages.starts_with(&told) && !text.contains(SECRET), "{text}");
}
