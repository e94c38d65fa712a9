//! Refreshing, alone and in competition.

use client::{Error, Login};
use serde_json::json;

use crate::{
    fake::{Fake, Script},
    world::{World, server, session},
};

fn refreshes(fake: &Fake) -> Vec<String> {
    let sent = fake.seen("/token");
    sent.iter().filter_map(|seen| seen.parameter("refresh_token")).collect()
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_refreshed_and_the_rotated_one_kept() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    world.advance(569);
    world.list(&fake).await.unwrap();
    assert_eq!(refreshes(&fake), Vec::<String>::new());
    world.advance(2);
    world.list(&fake).await.unwrap();
    world.advance(600);
    world.list(&fake).await.unwrap();
    assert_eq!(refreshes(&fake), ["refresh-1", "refresh-2"]);
    let sent = &fake.seen("/token")[1];
    assert_eq!(sent.parameter("resource"), Some(format!("{}/mcp", fake.url)));
    assert_eq!(sent.parameter("client_id"), Some(format!("client-at-{}", fake.url)));
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_before_anybody_is_asked() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    fake.script().accepted = "access-2".to_owned();
    let client = world.client();
    session(&client, &fake, Login::Never).list_tools().await.unwrap();
    assert_eq!(refreshes(&fake), ["refresh-1"]);
    fake.script().accepted = "access-9".to_owned();
    let error = session(&client, &fake, Login::Never).list_tools().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired(_)), "{error}");
    assert_eq!(refreshes(&fake), ["refresh-1", "refresh-2"]);
}

#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_is_kept() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    let answer = json!({"access_token": "access-{n}", "token_type": "Bearer", "expires_in": 600});
    fake.script().tokens = vec![(200, answer)];
    for _ in 0..2 {
        world.advance(600);
        world.list(&fake).await.unwrap();
    }
    assert_eq!(refreshes(&fake), ["refresh-1", "refresh-1"]);
}

#[tokio::test]
async fn a_grant_that_is_gone_is_forgotten_and_a_broken_server_is_not_believed() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    world.advance(600);
    fake.script().tokens = vec![(503, json!({"error": "temporarily_unavailable"}))];
    let client = world.client();
    assert!(matches!(client.access_token(&server(&fake)).await, Err(Error::Token(_))));
    assert!(world.token_file().contains("refresh-1"));
    fake.script().tokens = vec![(400, json!({"error": "invalid_grant"}))];
    assert!(client.access_token(&server(&fake)).await.unwrap().is_none());
    assert!(!world.token_file().contains("refresh-1"));
}

#[tokio::test]
async fn cl_09_of_many_clients_that_wake_together_one_refreshes() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    world.advance(600);
    // Each has its own store and so its own open lock file, as processes have.
    let waking: Vec<_> = (0..8)
        .map(|_| {
            let (client, server) = (world.client(), server(&fake));
            tokio::spawn(async move { client.access_token(&server).await })
        })
        .collect();
    for client in waking {
        let token = client.await.unwrap().unwrap().unwrap();
        assert_eq!(token.expose(), "access-2");
    }
    assert_eq!(refreshes(&fake), ["refresh-1"]);
}

#[tokio::test]
async fn a_client_that_the_server_has_dropped_needs_a_login() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    world.advance(600);
    fake.script().tokens = vec![(401, json!({"error": "invalid_client"}))];
    assert!(world.client().access_token(&server(&fake)).await.unwrap().is_none());
    assert!(!world.token_file().contains("client-at-"));
}
