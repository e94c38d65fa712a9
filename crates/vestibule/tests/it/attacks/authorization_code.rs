//! TK-01 to TK-10: redeeming a code in ways that must not work.

use std::sync::Arc;

use super::{
    client::{AuthorizationRequest, CHALLENGE, Client, VERIFIER},
    expect, forger,
    scripted_browser::ScriptedBrowser,
    world::{CALLBACK, Tokens, World},
};

#[tokio::test]
async fn tk_01_a_replayed_code_revokes_its_grant() {
    let world = World::shared();
    let client = world.confidential_client().await;
    let code = world.code(&client, "read").await;
    let tokens = Tokens::of(&world.redeem(&client, &code).await);
    assert!(world.is_accepted(&tokens.access).await);
    expect::error(&world.redeem(&client, &code).await, 400, "invalid_grant");
    assert!(!world.is_accepted(&tokens.access).await);
    expect::error(&world.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
    for token in [&tokens.access, &tokens.refresh] {
        let answer = world.as_client("/introspect", &client, &[("token", token)]).await;
        assert_eq!(answer.json(), serde_json::json!({ "active": false }));
    }
    expect::error(&world.redeem(&client, &code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tk_02_of_64_redemptions_at_once_one_counts() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let attempts: Vec<_> = (0..64)
        .map(|_| {
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("code_verifier", VERIFIER),
                ("client_id", &client.id),
            ];
            let request = crate::http_client::form("/token", &fields);
            let server = Arc::clone(&world.server);
            tokio::spawn(async move { server.send(request).await })
        })
        .collect();
    let mut families = Vec::new();
    for attempt in attempts {
        let answer = attempt.await.expect("the attempt ends");
        if answer.status == 200 {
            families.push(Tokens::of(&answer));
        } else {
            expect::error(&answer, 400, "invalid_grant");
        }
    }
    assert_eq!(families.len(), 1);
    let condition = format!("client_id = '{}'", client.id);
    assert_eq!(world.database().count("grants", &condition), 1);
    // The others were replays by the right client, so what the first one got is revoked.
    assert!(!world.is_accepted(&families[0].access).await);
    expect::error(&world.refresh(&client, &families[0].refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tk_03_a_strangers_replay_revokes_nothing() {
    let world = World::shared();
    let (client, stranger) = (world.public_client().await, world.public_client().await);
    let code = world.code(&client, "read").await;
    // Before the redemption, too, a stranger cannot use the code up.
    expect::error(&world.redeem(&stranger, &code).await, 400, "invalid_grant");
    let tokens = Tokens::of(&world.redeem(&client, &code).await);
    expect::error(&world.redeem(&stranger, &code).await, 400, "invalid_grant");
    let wrong = [("code", code.as_str()), ("code_verifier", &VERIFIER.replace('d', "e"))];
    expect::error(&world.redeem_with(&client, &wrong).await, 400, "invalid_grant");
    expect::error(&world.redeem_with(&client, &[("code", &code)]).await, 400, "invalid_request");
    assert!(world.is_accepted(&tokens.access).await);
    assert_eq!(world.refresh(&client, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn tk_05_a_wrong_verifier_burns_the_code() {
    let world = World::shared();
    let client = world.public_client().await;
    for wrong in [
        CHALLENGE,
        &VERIFIER[1..],
        &VERIFIER.to_uppercase(),
        &"a".repeat(42),
        &"a".repeat(129),
        &"ä".repeat(43),
        &format!("{VERIFIER}="),
        &format!("{VERIFIER}\0"),
        &format!(" {VERIFIER}"),
    ] {
        let code = world.code(&client, "read").await;
        let fields = [("code", code.as_str()), ("code_verifier", wrong)];
        expect::error(&world.redeem_with(&client, &fields).await, 400, "invalid_grant");
        expect::error(&world.redeem(&client, &code).await, 400, "invalid_grant");
    }
    let grants = world.database().count("grants", &format!("client_id = '{}'", client.id));
    assert_eq!(grants, 0);
}

#[tokio::test]
async fn tk_05_a_request_without_verifier_is_malformed_and_costs_nothing() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    for fields in [&[("code", code.as_str())][..], &[("code", &code), ("code_verifier", "")]] {
        expect::error(&world.redeem_with(&client, fields).await, 400, "invalid_request");
    }
    expect::error(&world.redeem_with(&client, &[("code_verifier", VERIFIER)]).await, 400, "invalid_request");
    assert_eq!(world.redeem(&client, &code).await.status, 200);
}

#[tokio::test]
async fn tk_06_a_code_without_challenge_is_worth_nothing() {
    let world = World::alone();
    let client = world.public_client().await;
    for challenge in ["", VERIFIER, "plain"] {
        let code = world.code(&client, "read").await;
        world.database().execute(&format!("UPDATE authorization_codes SET code_challenge = '{challenge}'"));
        let answer = world.redeem(&client, &code).await;
        assert!([400, 503].contains(&answer.status.as_u16()), "{}", answer.json());
        assert_eq!(answer.json().get("access_token"), None);
        assert_eq!(world.database().count("grants", "true"), 0);
        world.database().execute("DELETE FROM authorization_codes");
    }
}

#[tokio::test]
async fn tk_07_another_redirect_uri() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    for other in ["https://evil.test/cb", "http://127.0.0.1:1/callback", &format!("{CALLBACK}/"), "x", "\0"] {
        let fields = [("code", code.as_str()), ("code_verifier", VERIFIER), ("redirect_uri", other)];
        expect::error(&world.redeem_with(&client, &fields).await, 400, "invalid_grant");
    }
    let fields = [("code", code.as_str()), ("code_verifier", VERIFIER), ("redirect_uri", CALLBACK)];
    assert_eq!(world.redeem_with(&client, &fields).await.status, 200);
}

#[tokio::test]
async fn tk_09_the_resource_was_fixed_by_the_person() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let (own, api) = (world.resource(), format!("{}/api", world.issuer()));
    let own_slash = format!("{own}/");
    for resources in [
        vec![api.as_str()],
        vec![&own, &api],
        vec!["https://evil.test/"],
        vec![&own_slash],
        vec!["/mcp/demo"],
        vec!["\0"],
    ] {
        let mut fields = vec![("code", code.as_str()), ("code_verifier", VERIFIER)];
        fields.extend(resources.iter().map(|resource| ("resource", *resource)));
        expect::error(&world.redeem_with(&client, &fields).await, 400, "invalid_target");
    }
    let fields = [("code", code.as_str()), ("code_verifier", VERIFIER), ("resource", &own)];
    let tokens = Tokens::of(&world.redeem_with(&client, &fields).await);
    assert_eq!(forger::claims(&tokens.access)["aud"], own);
    for resource in [api.as_str(), "https://evil.test/", &own_slash] {
        let answer = world.refresh_with(&client, &tokens.refresh, &[("resource", resource)]).await;
        expect::error(&answer, 400, "invalid_target");
    }
    let again = Tokens::of(&world.refresh(&client, &tokens.refresh).await);
    assert_eq!(forger::claims(&again.access)["aud"], own);
}

#[tokio::test]
async fn tk_10_no_scope_is_added_when_the_code_is_redeemed() {
    let world = World::shared();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    let fields = [("code", code.as_str()), ("code_verifier", VERIFIER), ("scope", "read write admin")];
    let answer = world.redeem_with(&client, &fields).await;
    assert_eq!(answer.json()["scope"], "read");
    let tokens = Tokens::of(&answer);
    assert_eq!(forger::claims(&tokens.access)["scope"], "read");
    let write = crate::http_client::json("/api/data", &serde_json::json!({ "name": "a", "value": "b" }));
    let (mut head, body) = write.into_parts();
    let bearer = format!("Bearer {}", tokens.access).parse().expect("a token fits into a header");
    head.headers.insert("authorization", bearer);
    let answer = world.send(http::Request::from_parts(head, body)).await;
    expect::challenge(&answer, 403, Some("insufficient_scope"));
    assert!(answer.header("www-authenticate").unwrap_or_default().contains("scope=\"write\""), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_code() {
    let world = World::shared();
    let client = world.public_client().await;
    let tokens = world.tokens(&client).await;
    for code in [
        "x",
        "\0",
        "vst_ac_",
        "vst_ac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &tokens.refresh,
        &tokens.access,
        &tokens.refresh.replace("vst_rt_", "vst_ac_"),
        &"x".repeat(30_000),
        "' OR 1=1 --",
    ] {
        expect::error(&world.redeem(&client, code).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_comes_too_late_or_its_person_is_gone() {
    let world = World::alone();
    let client = world.public_client().await;
    let code = world.code(&client, "read").await;
    world.database().execute("UPDATE authorization_codes SET expires_at = 1");
    expect::error(&world.redeem(&client, &code).await, 400, "invalid_grant");
    let code = world.code(&client, "read").await;
    world.database().execute("UPDATE users SET state = 'disabled'");
    expect::error(&world.redeem(&client, &code).await, 400, "invalid_grant");
    assert_eq!(world.database().count("grants", "true"), 0);
}

/// A confidential client's code without its secret (RFC 6749 §4.1.3).
#[tokio::test]
async fn a_code_of_a_confidential_client_needs_the_secret() {
    let world = World::shared();
    let client = world.confidential_client().await;
    let code = world.code(&client, "read").await;
    let without = Client { secret: None, ..client.clone() };
    expect::error(&world.redeem(&without, &code).await, 401, "invalid_client");
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    expect::error(&world.redeem(&wrong, &code).await, 401, "invalid_client");
    assert_eq!(world.redeem(&client, &code).await.status, 200);
}

#[tokio::test]
async fn two_codes_of_one_browser_are_two_grants() {
    let world = World::shared();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let request = AuthorizationRequest::of(&world, &client);
    let first = browser.allow(&request).await;
    let second = browser.allow(&request.with("prompt", "login")).await;
    let (first, second) =
        (Tokens::of(&world.redeem(&client, &first).await), Tokens::of(&world.redeem(&client, &second).await));
    world.as_client("/revoke", &client, &[("token", &first.refresh)]).await;
    assert!(!world.is_accepted(&first.access).await);
    assert!(world.is_accepted(&second.access).await);
}
