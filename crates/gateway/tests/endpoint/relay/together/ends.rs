//! How a shared stream ends, for one and for all.

use std::time::Duration;

use audit::Kind;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::listening::{next, told};
use super::super::questions::until;
use super::super::upstream::{Upstream, reply};
use super::{ID, Telling, has_ended, tools, tools_changed, tools_changed_for};

#[tokio::test]
async fn a_refusal_of_the_server_is_everybodys_with_their_own_id() {
    let telling = Telling::new().await;
    drop(telling.listen("ada", json!(0), tools()).await);
    let asked = telling.count();
    let filter = json!({ "promptsListChanged": true });
    let ids = [json!("one"), json!(2)];
    let answers = join_all(ids.iter().map(|id| telling.refused("ada", id.clone(), filter.clone()))).await;
    assert_eq!(telling.count(), asked + 1);
    for (answer, id) in answers.iter().zip(&ids) {
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "application/json"));
        let error = json!({ "code": -32000, "message": "no prompts", "data": { "id": 1 } });
        assert_eq!(answer.json(), json!({ "jsonrpc": "2.0", "id": id, "error": error }));
    }
    telling.refused("ada", json!(3), filter).await;
    assert_eq!(telling.count(), asked + 2, "whoever comes later asks again");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_a_failure_for_everybody() {
    let mut telling = Telling::new().await;
    let failing = Upstream::modern(|_| reply(500, "secret")).await;
    telling.gateway = failing.behind(&telling.world);
    let answers = join_all([1, 2].map(|id| telling.refused("ada", json!(id), tools()))).await;
    for (answer, id) in answers.iter().zip([1, 2]) {
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -32603), "{answer:?}");
        assert_eq!(answer.json()["id"], id);
        assert!(answer.text.contains("behind this gateway") && !answer.text.contains("secret"), "{answer:?}");
    }
}

#[tokio::test]
async fn the_end_of_the_servers_stream_is_the_end_of_all() {
    for result in [true, false] {
        let telling = Telling::new().await;
        let ids = [json!("one"), json!(2)];
        let mut bodies = join_all(ids.iter().map(|id| telling.listen("ada", id.clone(), tools()))).await;
        for body in &mut bodies {
            next(body).await;
        }
        let say = telling.say(0);
        if result {
            let ended = json!({ "resultType": "complete", "_meta": { ID: 1 } });
            say.send(json!({ "jsonrpc": "2.0", "id": 1, "result": ended })).unwrap();
        }
        drop(say);
        telling.streams.lock().unwrap().clear();
        for (body, id) in bodies.iter_mut().zip(&ids) {
            let last = next(body).await;
            assert_eq!(&last["id"], id, "{last}");
            if result {
                assert_eq!(last["result"], json!({ "resultType": "complete", "_meta": { ID: id } }));
            } else {
                assert_eq!(last["error"]["code"], -32603, "{last}");
            }
            assert!(has_ended(body).await);
        }
        let mut again = telling.listen("ada", json!(9), tools()).await;
        next(&mut again).await;
        assert_eq!(telling.count(), 2, "whoever listens again hears a new stream");
    }
}

#[tokio::test]
async fn gw_15_one_who_does_not_read_is_let_go_of_and_the_others_hear_everything() {
    let telling = Telling::new().await;
    let filter = json!({ "resourceSubscriptions": ["a:b"] });
    let mut slow = telling.listen("ada", json!("slow"), filter.clone()).await;
    let mut fast = telling.listen("bob", json!("fast"), filter.clone()).await;
    let (_, _) = (next(&mut slow).await, next(&mut fast).await);
    let say = telling.say(0);
    for number in 0..500 {
        let params = json!({ "uri": format!("a:b/{number}"), "_meta": { ID: 1 } });
        say.send(told("notifications/resources/updated", params)).unwrap();
    }
    for number in 0..500 {
        let updated = next(&mut fast).await;
        assert_eq!(updated["params"]["uri"], format!("a:b/{number}"));
        assert_eq!(updated["params"]["_meta"][ID], "fast");
    }
    let last = next(&mut slow).await;
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!("slow"), &json!(-32603)), "{last}");
    assert!(last["error"]["message"].as_str().unwrap().contains("listen again"), "{last}");
    assert!(has_ended(&mut slow).await);
    drop(slow);
    say.send(told("notifications/resources/updated", json!({ "uri": "a:b", "_meta": { ID: 1 } }))).unwrap();
    assert_eq!(next(&mut fast).await["params"]["uri"], "a:b");
    assert_eq!(telling.count(), 1);
}

#[tokio::test]
async fn gw_31_every_listener_is_told_when_the_gateway_ends() {
    let telling = Telling::new().await;
    let ids = [json!("one"), json!(2)];
    let mut bodies = join_all(ids.iter().map(|id| telling.listen("ada", id.clone(), tools()))).await;
    for body in &mut bodies {
        next(body).await;
    }
    let say = telling.say(0);
    telling.world.event_streams.drain();
    for (body, id) in bodies.iter_mut().zip(&ids) {
        let last = next(body).await;
        let ended = json!({ "resultType": "complete", "_meta": { ID: id } });
        assert_eq!(last, json!({ "jsonrpc": "2.0", "id": id, "result": ended }));
        assert!(has_ended(body).await);
    }
    drop(bodies);
    until("the stream of the server is closed", || say.is_closed()).await;
}

#[tokio::test]
async fn up_17_a_request_on_a_shared_stream_reaches_nobody_and_is_recorded() {
    let telling = Telling::new().await;
    let ids = [json!("one"), json!(2)];
    let mut bodies = join_all(ids.iter().map(|id| telling.listen("ada", id.clone(), tools()))).await;
    for body in &mut bodies {
        next(body).await;
    }
    let say = telling.say(0);
    let ask = |id: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": {} });
    say.send(ask(json!(1))).unwrap();
    say.send(tools_changed()).unwrap();
    for (body, id) in bodies.iter_mut().zip(&ids) {
        assert_eq!(next(body).await, tools_changed_for(id));
    }
    let requests = || {
        let events = telling.world.audit_log.events();
        events.iter().filter(|event| event.kind == Kind::ServerRequest).count()
    };
    assert_eq!(requests(), 1);
    (0..20).for_each(|id| say.send(ask(json!(id))).unwrap());
    for (body, id) in bodies.iter_mut().zip(&ids) {
        let last = next(body).await;
        assert_eq!((&last["id"], &last["error"]["code"]), (id, &json!(-32603)), "{last}");
        assert!(tokio::time::timeout(Duration::from_secs(10), has_ended(body)).await.unwrap());
    }
    assert_eq!(requests(), 16);
}
