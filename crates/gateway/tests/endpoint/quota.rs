//! Limits as clients meet them.

use std::num::NonZeroU32;
use std::time::Duration;

use audit::Verdict;
use gateway::quota::{LimitSettings, Per};
use serde_json::json;

use crate::relay::upstream::{Upstream, result};
use crate::world::{World, call};

fn limit(name: &str, per: &[Per], requests: u32, tools: Option<&str>) -> LimitSettings {
    LimitSettings {
        name: name.to_owned(),
        per: per.to_vec(),
        requests: NonZeroU32::new(requests).unwrap(),
        within: Duration::from_secs(10),
        burst: None,
        servers: Vec::new(),
        tools: tools.map(|tool| vec![tool.to_owned()]),
    }
}

#[tokio::test]
async fn gw_30_whoever_asks_too_often_waits_and_the_others_do_not() {
    let mut world = World::new().await;
    world.rates =
        vec![limit("a user", &[Per::User], 5, None), limit("slow", &[Per::User, Per::Tool], 1, Some("slow"))];
    let upstream = Upstream::modern(|request| result(request, "{}")).await;
    let gateway = upstream.behind(&world);
    let (ada, bob) = (world.far_token("ada", "use"), world.far_token("bob", "use"));
    let call = async |token: &str, tool: &str| {
        world.far_modern(&gateway, token, "tools/call", json!({ "name": tool })).send().await
    };
    assert_eq!(call(&ada, "slow").await.status, 200);
    let refused = call(&ada, "slow").await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "10"), "{refused:?}");
    assert_eq!(refused.json()["id"], 1);
    assert_eq!(refused.json()["error"]["data"]["retryAfterMs"], 10_000);
    // What one limit refuses has been counted by the limits before it.
    let statuses = [call(&ada, "x").await.status, call(&ada, "x").await.status, call(&ada, "x").await.status];
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    for _ in 0..20 {
        let refused = call(&ada, "x").await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "2"));
    }
    let list = world.far_modern(&gateway, &ada, "tools/list", json!({})).send().await;
    assert_eq!(list.status, 429, "every request counts where no tool is named");
    assert_eq!(call(&bob, "x").await.status, 200);
    assert_eq!(upstream.of("tools/call").len(), 5);

    let refused = |rule: &str| {
        let denied = |event: &audit::Event| {
            event.decision.as_ref().is_some_and(|made| made.rule == rule && made.verdict == Verdict::Denied)
        };
        world.audit_log.events().iter().filter(|event| denied(event)).count()
    };
    assert_eq!((refused("slow"), refused("a user")), (1, 1), "one entry stands for those of a second");
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(call(&ada, "x").await.status, 200);
    assert_eq!(call(&ada, "x").await.status, 429);
    let events = world.audit_log.events();
    let newest = events.iter().rev().find(|event| event.detail.contains_key("refusals")).unwrap();
    assert_eq!(newest.detail["refusals"], "21", "nothing is forgotten");
}

#[tokio::test]
async fn gw_30_the_built_in_server_counts_as_well() {
    let mut world = World::new().await;
    world.rates = vec![limit("a user", &[Per::User], 3, None)];
    world.router = world.another_node();
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    let get = async || {
        world.post(&token, call("get_data", json!({}))).header("mcp-session-id", &session).send().await
    };
    assert_eq!((get().await.status.as_u16(), get().await.status.as_u16()), (200, 200));
    let refused = get().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "4"), "{refused:?}");
    let other = world.token("bob", "read");
    assert_eq!(world.modern(&other, "tools/list", json!({})).send().await.status, 200);
}
