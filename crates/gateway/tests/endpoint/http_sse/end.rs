//! How streams end, and how many there may be.

use std::time::Duration;

use oauth::{GrantId, JwtId};
use serde_json::json;

use super::client::Client;
use crate::world::{World, rpc};

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let world = World::new().await;
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &world.token("ada", "read")).await;
    world.clock.advance(Duration::from_secs(599));
    assert!(client.ask(rpc("ping", json!({}))).await["result"].is_object());
    world.clock.advance(Duration::from_secs(1));
    client.ends().await;
    assert_eq!(client.post(rpc("ping", json!({}))).await.status, 401);
    client.token = world.token_with("ada", "read", |claims| claims.jti = JwtId::from_unverified("later"));
    assert_eq!(client.post(rpc("ping", json!({}))).await.status, 404, "the session is gone for good");
}

#[tokio::test]
async fn a_stream_lives_as_long_as_the_newest_token_that_it_was_shown() {
    let world = World::new().await;
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &world.token("ada", "read")).await;
    world.clock.advance(Duration::from_secs(590));
    client.token = world.token_with("ada", "read", |claims| claims.jti = JwtId::from_unverified("later"));
    assert!(client.ask(rpc("ping", json!({}))).await["result"].is_object());
    world.clock.advance(Duration::from_secs(590));
    assert!(client.ask(rpc("ping", json!({}))).await["result"].is_object());
    world.clock.advance(Duration::from_secs(10));
    client.ends().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_or_its_grant_is_revoked() {
    let world = World::new().await;
    let token = |jti: &str, grant: &str| {
        world.token_with("ada", "read", |claims| {
            claims.jti = JwtId::from_unverified(jti);
            claims.grant_id = Some(GrantId::from_unverified(grant));
        })
    };
    let until = oauth::Clock::now(&*world.clock) + Duration::from_mins(10);
    let mut by_token = Client::connect(&world, "/mcp/demo", &token("one", "first")).await;
    let mut by_grant = Client::connect(&world, "/mcp/demo", &token("two", "second")).await;
    let mut other = Client::connect(&world, "/mcp/demo", &token("three", "third")).await;
    world.revoked.revoke_token(JwtId::from_unverified("one"), until);
    by_token.ends().await;
    world.revoked.revoke_grant(GrantId::from_unverified("second"), until);
    by_grant.ends().await;
    assert!(other.ask(rpc("ping", json!({}))).await["result"].is_object(), "it goes on");
}

#[tokio::test]
async fn gw_15_a_principal_has_so_many_streams_and_no_more() {
    let world = World::new().await;
    let (ada, bob) = (world.token("ada", "read"), world.token("bob", "read"));
    let mut open = Vec::new();
    for number in 0..64 {
        let path = if number % 2 == 0 { "/mcp/demo" } else { "/mcp/v1" };
        open.push(Client::connect(&world, path, &ada).await);
    }
    let one_more = world.request("GET", "/mcp/demo/sse").bearer(&ada).send().await;
    assert_eq!(one_more.status, 429, "{one_more:?}");
    assert!(!one_more.header("retry-after").is_empty());
    Client::connect(&world, "/mcp/demo", &bob).await;
    open.pop();
    Client::connect(&world, "/mcp/demo", &ada).await;
}

#[tokio::test]
async fn the_streams_of_a_server_end_with_it() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let mut removed = Client::open(&world, &world.router, "/mcp/demo", &token).await;
    let mut kept = Client::open(&world, &world.router, "/mcp/v1", &token).await;
    world.event_streams.keep(&["/mcp/v1", "/mcp/other"]);
    removed.ends().await;
    assert!(kept.ask(rpc("ping", json!({}))).await["result"].is_object());
    let reloaded = world.another_node();
    let ping = rpc("ping", json!({}));
    let later = world.request("POST", &kept.endpoint).to(&reloaded).bearer(&token).json(ping).send().await;
    assert_eq!(later.status, 202, "a stream outlives the router that it was opened with: {later:?}");
    assert!(kept.message().await["result"].is_object());
}

#[tokio::test]
async fn gw_31_an_idle_stream_ends_when_the_server_does() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &token).await;
    world.event_streams.drain();
    client.ends().await;
    let another = world.request("GET", "/mcp/demo/sse").bearer(&token).send().await;
    assert_eq!((another.status.as_u16(), another.header("retry-after")), (503, "2"), "{another:?}");
}
