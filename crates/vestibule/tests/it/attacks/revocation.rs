//! IR-05 to IR-09: revoking tokens.

use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::json;

use super::{
    client::Client,
    expect,
    world::{CALLBACK, Tokens, World},
};

async fn revoke(world: &World, client: &Client, fields: &[(&str, &str)]) {
    let answer = world.as_client("/revoke", client, fields).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b""[..]));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

async fn is_alive(world: &World, client: &Client, tokens: &Tokens) -> Tokens {
    assert!(world.is_accepted(&tokens.access).await);
    Tokens::of(&world.refresh(client, &tokens.refresh).await)
}

async fn is_dead(world: &World, client: &Client, tokens: &Tokens) {
    assert!(!world.is_accepted(&tokens.access).await);
    expect::error(&world.refresh(client, &tokens.refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn ir_05_nobody_revokes_anothers_token() {
    let world = World::shared();
    let (owner, thief) = (world.confidential_client().await, world.public_client().await);
    let tokens = world.tokens(&owner).await;
    for token in [&tokens.access, &tokens.refresh] {
        revoke(&world, &thief, &[("token", token)]).await;
        let operators = world.add_client(&["--confidential"]);
        revoke(&world, &operators, &[("token", token)]).await;
        for secret in [None, Some("wrong".to_owned())] {
            let unproven = Client { secret, ..owner.clone() };
            let answer = world.as_client("/revoke", &unproven, &[("token", token)]).await;
            expect::error(&answer, 401, "invalid_client");
        }
    }
    is_alive(&world, &owner, &tokens).await;
}

#[tokio::test]
async fn ir_06_a_grant_ends_with_any_of_its_tokens() {
    let world = World::shared();
    let client = world.public_client().await;
    let first = world.tokens(&client).await;
    let second = Tokens::of(&world.refresh(&client, &first.refresh).await);
    revoke(&world, &client, &[("token", &second.refresh)]).await;
    is_dead(&world, &client, &second).await;
    is_dead(&world, &client, &first).await;

    // An old token is enough, and so is an access token.
    let first = world.tokens(&client).await;
    let second = Tokens::of(&world.refresh(&client, &first.refresh).await);
    revoke(&world, &client, &[("token", &first.refresh)]).await;
    is_dead(&world, &client, &second).await;
    let tokens = world.tokens(&client).await;
    revoke(&world, &client, &[("token", &tokens.access)]).await;
    is_dead(&world, &client, &tokens).await;
    revoke(&world, &client, &[("token", &tokens.access)]).await;
}

#[tokio::test]
async fn ir_06_a_token_without_grant_ends_alone() {
    let world = World::shared();
    let metadata = json!({
        "grant_types": ["client_credentials"], "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = world.register(&metadata).await;
    let issue =
        async || Tokens::of(&world.token(&client, &[("grant_type", "client_credentials")]).await).access;
    let (one, two) = (issue().await, issue().await);
    revoke(&world, &client, &[("token", &one)]).await;
    assert!(!world.is_accepted(&one).await && world.is_accepted(&two).await);
    let answer = world.as_client("/introspect", &client, &[("token", &one)]).await;
    assert_eq!(answer.json(), json!({ "active": false }));
}

#[tokio::test]
async fn ir_07_hints_and_unknown_tokens() {
    let world = World::shared();
    let client = world.public_client().await;
    for token in ["x", "\0", "vst_rt_x", "e30.e30.e30", &"x".repeat(50_000)] {
        revoke(&world, &client, &[("token", token)]).await;
    }
    for hint in ["access_token", "refresh_token", "id_token", "", "\0"] {
        let tokens = world.tokens(&client).await;
        revoke(&world, &client, &[("token", &tokens.refresh), ("token_type_hint", hint)]).await;
        is_dead(&world, &client, &tokens).await;
        let tokens = world.tokens(&client).await;
        revoke(&world, &client, &[("token", &tokens.access), ("token_type_hint", hint)]).await;
        is_dead(&world, &client, &tokens).await;
    }
    expect::error(&world.as_client("/revoke", &client, &[]).await, 400, "invalid_request");
    let twice = [("token", "x"), ("token", "y")];
    expect::error(&world.as_client("/revoke", &client, &twice).await, 400, "invalid_request");
}

#[tokio::test]
async fn ir_09_a_link_revokes_nothing() {
    let world = World::shared();
    let client = world.public_client().await;
    let tokens = world.tokens(&client).await;
    let query = format!("/revoke?token={}&client_id={}&callback=alert", tokens.refresh, client.id);
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        let request = Request::builder().method(&method).uri(&query);
        let answer = world.send(request.body(Bytes::new()).expect("the request is valid")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    let answer = world.post(&query, &[]).await;
    expect::error(&answer, 400, "invalid_request");
    is_alive(&world, &client, &tokens).await;
}

#[tokio::test]
async fn a_revocation_during_refreshes_wins() {
    let world = World::shared();
    let client = world.public_client().await;
    let tokens = world.tokens(&client).await;
    let refreshing = (0..8).map(|_| world.refresh(&client, &tokens.refresh));
    let revoking = async { revoke(&world, &client, &[("token", &tokens.refresh)]).await };
    let (refreshed, ()) = tokio::join!(
        async {
            let mut answers = Vec::new();
            for refresh in refreshing {
                answers.push(refresh.await);
            }
            answers
        },
        revoking
    );
    for answer in refreshed.iter().filter(|answer| answer.status == 200) {
        is_dead(&world, &client, &Tokens::of(answer)).await;
    }
    is_dead(&world, &client, &tokens).await;
}
