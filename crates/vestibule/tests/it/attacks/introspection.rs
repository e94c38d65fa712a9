//! IR-01 to IR-03: asking about tokens.

use serde_json::json;

use super::{
    client::{Client, VERIFIER},
    expect,
    world::World,
};

async fn ask(world: &World, client: &Client, token: &str) -> serde_json::Value {
    let answer = world.as_client("/introspect", client, &[("token", token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn inactive() -> serde_json::Value {
    json!({ "active": false })
}

#[tokio::test]
async fn ir_01_nobody_asks_without_a_secret() {
    let world = World::shared();
    let (public, confidential) = (world.public_client().await, world.confidential_client().await);
    let tokens = world.tokens(&public).await;
    for token in [&tokens.access, &tokens.refresh, "x"] {
        expect::error(&world.post("/introspect", &[("token", token)]).await, 401, "invalid_client");
        let answer = world.as_client("/introspect", &public, &[("token", token)]).await;
        expect::error(&answer, 401, "invalid_client");
        for secret in [None, Some("wrong".to_owned())] {
            let wrong = Client { secret, ..confidential.clone() };
            let answer = world.as_client("/introspect", &wrong, &[("token", token)]).await;
            expect::error(&answer, 401, "invalid_client");
        }
        // RFC 7662 §2.1 also knows bearer authorization; the token that is asked about is none.
        let mut request = crate::http_client::form("/introspect", &[("token", token)]);
        let bearer = format!("Bearer {token}").parse().expect("a token fits into a header");
        request.headers_mut().insert("authorization", bearer);
        expect::error(&world.send(request).await, 401, "invalid_client");
    }
    let answer = world.as_client("/introspect", &confidential, &[]).await;
    expect::error(&answer, 400, "invalid_request");
}

#[tokio::test]
async fn ir_02_only_about_what_is_ones_own_business() {
    let world = World::shared();
    let (owner, other) = (world.confidential_client().await, world.confidential_client().await);
    let tokens = world.tokens(&owner).await;
    assert_eq!(ask(&world, &owner, &tokens.access).await["active"], true);
    assert_eq!(ask(&world, &owner, &tokens.refresh).await["active"], true);
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(ask(&world, &other, token).await, inactive());
    }
    // A resource server of the operator's may ask about access tokens, never about refresh tokens.
    let resource_server = world.add_client(&["--confidential"]);
    assert_eq!(ask(&world, &resource_server, &tokens.access).await["active"], true);
    assert_eq!(ask(&world, &resource_server, &tokens.refresh).await, inactive());
}

#[tokio::test]
async fn ir_02_a_resource_server_asks_about_its_own_resources() {
    let world = World::shared();
    let client = world.confidential_client().await;
    let tokens = world.tokens(&client).await;
    let elsewhere = world.add_client(&["--confidential"]);
    let metadata = json!({ "introspects": ["https://rs-b.test/"] });
    let statement = format!("UPDATE clients SET metadata = '{metadata}' WHERE id = '{}'", elsewhere.id);
    world.database().execute(&statement);
    assert_eq!(ask(&world, &elsewhere, &tokens.access).await, inactive());
}

#[tokio::test]
async fn ir_03_of_what_is_not_active_nothing_is_said() {
    let world = World::alone();
    let client = world.confidential_client().await;
    let code = world.code(&client, "read").await;
    let revoked = world.tokens(&client).await;
    world.as_client("/revoke", &client, &[("token", &revoked.refresh)]).await;
    let rotated = world.tokens(&client).await;
    assert_eq!(world.refresh(&client, &rotated.refresh).await.status, 200);
    let orphan = world.tokens(&client).await;
    for token in [
        "x",
        "\0",
        "e30.e30.e30",
        "vst_rt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &code,
        VERIFIER,
        client.secret.as_deref().unwrap_or_default(),
        &revoked.access,
        &revoked.refresh,
        &rotated.refresh,
        &format!("{}x", orphan.access),
        &orphan.access.to_uppercase(),
        &"x".repeat(60_000),
    ] {
        assert_eq!(ask(&world, &client, token).await, inactive(), "{token}");
        for hint in ["access_token", "refresh_token", "unknown", "\0"] {
            let fields = [("token", token), ("token_type_hint", hint)];
            let answer = world.as_client("/introspect", &client, &fields).await;
            assert_eq!(answer.json(), inactive(), "{hint}");
        }
    }
    let answer = world.as_client("/introspect", &client, &[("token", &"x".repeat(64 * 1024))]).await;
    expect::error(&answer, 413, "invalid_request");
    world.database().execute("UPDATE refresh_tokens SET expires_at = 1");
    assert_eq!(ask(&world, &client, &orphan.refresh).await, inactive());
    world.database().execute("UPDATE users SET state = 'disabled'");
    assert_eq!(ask(&world, &client, &orphan.access).await, inactive());
}

#[tokio::test]
async fn ir_03_a_grant_that_has_ended_has_no_live_tokens() {
    let world = World::alone();
    let client = world.confidential_client().await;
    let tokens = world.tokens(&client).await;
    world.database().execute("UPDATE grants SET expires_at = 1");
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(ask(&world, &client, token).await, inactive());
    }
}
