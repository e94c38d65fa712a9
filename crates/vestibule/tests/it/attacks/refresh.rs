//! TK-11 to TK-19: refresh tokens.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    client::Client,
    expect, forger,
    world::{Tokens, World},
};
use crate::http_client;

#[tokio::test]
async fn tk_11_a_scope_only_becomes_narrower_and_only_for_one_token() {
    let world = World::shared();
    let client = world.public_client().await;
    let tokens = world.tokens_for(&client, "read").await;
    for wider in ["read write", "admin", "write", "READ", "read\"", "\0", &"a ".repeat(3_000)] {
        let answer = world.refresh_with(&client, &tokens.refresh, &[("scope", wider)]).await;
        expect::error(&answer, 400, "invalid_scope");
    }
    let first = world.refresh(&client, &tokens.refresh).await;
    assert_eq!(first.json()["scope"], "read", "the family is intact");

    let tokens = world.tokens_for(&client, "read write").await;
    let narrow = world.refresh_with(&client, &tokens.refresh, &[("scope", "read")]).await;
    assert_eq!(narrow.json()["scope"], "read");
    let narrow = Tokens::of(&narrow);
    assert_eq!(forger::claims(&narrow.access)["scope"], "read");
    let wide = world.refresh(&client, &narrow.refresh).await;
    assert_eq!(wide.json()["scope"], "read write");
}

#[tokio::test]
async fn tk_13_all_who_refresh_at_once_get_the_same_successor() {
    let world = World::shared();
    let client = world.public_client().await;
    let tokens = world.tokens(&client).await;
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.refresh),
                ("client_id", &client.id),
            ];
            let request = http_client::form("/token", &fields);
            let server = Arc::clone(&world.server);
            tokio::spawn(async move { Tokens::of(&server.send(request).await) })
        })
        .collect();
    let mut successors = BTreeSet::new();
    let mut access = Vec::new();
    for attempt in attempts {
        let tokens = attempt.await.expect("the attempt ends");
        successors.insert(tokens.refresh);
        access.push(tokens.access);
    }
    assert_eq!(successors.len(), 1, "never two successors");
    for token in [&access[0], &access[49], &tokens.access] {
        assert!(world.is_accepted(token).await, "nobody's token dies");
    }
    let successor = successors.first().expect("there is one");
    assert_eq!(world.refresh(&client, successor).await.status, 200);
}

async fn is_dead(world: &World, client: &Client, tokens: &[&Tokens]) {
    for tokens in tokens {
        expect::error(&world.refresh(client, &tokens.refresh).await, 400, "invalid_grant");
        assert!(!world.is_accepted(&tokens.access).await);
    }
}

#[tokio::test]
async fn tk_14_a_repetition_after_the_successor_was_used_ends_the_family() {
    let world = World::shared();
    let client = world.public_client().await;
    let first = world.tokens(&client).await;
    let second = Tokens::of(&world.refresh(&client, &first.refresh).await);
    let repeated = Tokens::of(&world.refresh(&client, &first.refresh).await);
    assert_eq!(repeated.refresh, second.refresh);
    let third = Tokens::of(&world.refresh(&client, &second.refresh).await);
    expect::error(&world.refresh(&client, &first.refresh).await, 400, "invalid_grant");
    is_dead(&world, &client, &[&first, &second, &third]).await;
}

#[tokio::test]
async fn tk_14_a_repetition_by_another_client_ends_the_family() {
    let world = World::shared();
    let (client, thief) = (world.public_client().await, world.public_client().await);
    let first = world.tokens(&client).await;
    let second = Tokens::of(&world.refresh(&client, &first.refresh).await);
    expect::error(&world.refresh(&thief, &first.refresh).await, 400, "invalid_grant");
    is_dead(&world, &client, &[&first, &second]).await;
}

#[tokio::test]
async fn tk_14_a_repetition_too_late_ends_the_family() {
    let world = World::shared();
    let client = world.public_client().await;
    let first = world.tokens(&client).await;
    let second = Tokens::of(&world.refresh(&client, &first.refresh).await);
    world.database().execute(&format!(
        "UPDATE refresh_tokens SET rotated_at = 1 WHERE rotated_at IS NOT NULL AND grant_id IN \
         (SELECT id FROM grants WHERE client_id = '{}')",
        client.id
    ));
    expect::error(&world.refresh(&client, &first.refresh).await, 400, "invalid_grant");
    is_dead(&world, &client, &[&first, &second]).await;
}

#[tokio::test]
async fn tk_15_many_rotations_in_one_second_do_not_bring_the_first_back() {
    let world = World::shared();
    let client = world.public_client().await;
    let first = world.tokens(&client).await;
    let mut last = first.clone();
    for _ in 0..3 {
        last = Tokens::of(&world.refresh(&client, &last.refresh).await);
    }
    expect::error(&world.refresh(&client, &first.refresh).await, 400, "invalid_grant");
    is_dead(&world, &client, &[&last]).await;
}

#[tokio::test]
async fn tk_17_whoever_lost_the_right_lost_it_at_once() {
    let world = World::alone();
    for change in [
        "UPDATE users SET state = 'disabled' WHERE name = 'demo'",
        "UPDATE grants SET revoked_at = 1, revocation_reason = 'withdrawn'",
        "DELETE FROM grants",
    ] {
        let client = world.public_client().await;
        let tokens = world.tokens(&client).await;
        world.database().execute(change);
        expect::error(&world.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
        world.database().execute("UPDATE users SET state = 'active'");
    }
    for change in ["DELETE FROM clients", "UPDATE clients SET expires_at = 1"] {
        let client = world.public_client().await;
        let tokens = world.tokens(&client).await;
        world.database().execute(change);
        expect::error(&world.refresh(&client, &tokens.refresh).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn tk_17_a_new_password_ends_what_the_old_one_allowed() {
    let world = World::alone();
    let client = world.public_client().await;
    let tokens = world.tokens(&client).await;
    world.add_user("grace", "another long password");
    world.set_password("grace", "yet another long password");
    let tokens = Tokens::of(&world.refresh(&client, &tokens.refresh).await);
    world.set_password("demo", "yet another long password");
    expect::error(&world.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while world.is_accepted(&tokens.access).await {
        assert!(tokio::time::Instant::now() < deadline, "the access token outlives the password");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn tk_17_a_disabled_user_gets_no_repetition_either() {
    let world = World::alone();
    let client = world.public_client().await;
    let first = world.tokens(&client).await;
    Tokens::of(&world.refresh(&client, &first.refresh).await);
    world.database().execute("UPDATE users SET state = 'disabled'");
    expect::error(&world.refresh(&client, &first.refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tk_18_a_token_belongs_to_its_client() {
    let world = World::shared();
    let (client, thief) = (world.confidential_client().await, world.public_client().await);
    let tokens = world.tokens(&client).await;
    expect::error(&world.refresh(&thief, &tokens.refresh).await, 400, "invalid_grant");
    let without = Client { secret: None, ..client.clone() };
    expect::error(&world.refresh(&without, &tokens.refresh).await, 401, "invalid_client");
    let with_the_thiefs_id = Client { id: thief.id, ..client.clone() };
    expect::error(&world.refresh(&with_the_thiefs_id, &tokens.refresh).await, 401, "invalid_client");
    assert_eq!(world.refresh(&client, &tokens.refresh).await.status, 200, "the family is intact");
}

#[tokio::test]
async fn tk_19_idle_and_absolute_expiry() {
    let world = World::alone();
    for change in ["UPDATE refresh_tokens SET expires_at = 1", "UPDATE grants SET expires_at = 1"] {
        let client = world.public_client().await;
        let tokens = world.tokens(&client).await;
        world.database().execute(change);
        expect::error(&world.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn what_is_no_refresh_token() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let tokens = world.tokens(&client).await;
    for token in [
        "x",
        "\0",
        "vst_rt_",
        &tokens.access,
        &code,
        &code.replace("vst_ac_", "vst_rt_"),
        &tokens.refresh[..tokens.refresh.len() - 1],
        &tokens.refresh.to_lowercase(),
        &format!("{} ", tokens.refresh),
        &"x".repeat(30_000),
    ] {
        expect::error(&world.refresh(&client, token).await, 400, "invalid_grant");
    }
    let answer = world.token(&client, &[("grant_type", "refresh_token")]).await;
    expect::error(&answer, 400, "invalid_request");
    assert_eq!(world.refresh(&client, &tokens.refresh).await.status, 200, "the family is intact");
}
