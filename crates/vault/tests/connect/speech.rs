//! What is said to providers whose ways are their own, as they receive it.

use std::time::Duration;

use client::Registration;
use oauth::{Clock, Scope, Timestamp};
use outbound::Egress;
use secret::Secret;
use serde_json::{Value, json};
use vault::provider::{Endpoints, Exchange, Failure, Preset, Registered, Revoked, Speech};

use crate::{
    fake::{Fake, tokens},
    world::scope,
};

struct Now;
impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

/// The endpoints of a preset, at the fake: paths stay, hosts do not.
fn at(fake: &Fake, preset: &Preset) -> Registered {
    let moved = |url: &String| {
        let url = url.replacen("https://", "", 1);
        fake.url(&url[url.find('/').unwrap_or(url.len())..])
    };
    let endpoints = &preset.endpoints;
    Registered {
        endpoints: Endpoints {
            authorization: moved(&endpoints.authorization),
            token: moved(&endpoints.token),
            refresh: endpoints.refresh.as_ref().map(moved),
            revocation: endpoints.revocation.as_ref().map(moved),
            ..endpoints.clone()
        },
        client: Registration {
            client_id: "our-id".into(),
            client_secret: Some(Secret::from("our-secret")),
            token_endpoint_auth_method: preset.authentication,
            expires_at: None,
        },
        resource: None,
    }
}

async fn with<T>(name: &str, fake: &Fake, talk: impl AsyncFnOnce(Speech<'_>) -> T) -> T {
    let preset = Preset::of(name, None).unwrap().unwrap();
    let registered = at(fake, &preset);
    let http = outbound::Client::new(Egress::public().with_loopback());
    let speech = Speech {
        http: &http,
        registered: &registered,
        quirks: &preset.quirks,
        accounts: &preset.accounts,
        clock: &Now,
        time: Duration::from_secs(2),
    };
    talk(speech).await
}

#[tokio::test]
async fn notion_is_spoken_to_in_json() {
    let fake = Fake::start().await;
    fake.answer("/v1/oauth/token", 200, tokens("at"));
    let token = Secret::from("rt");
    with("notion", &fake, async |speech| speech.refresh(&token, &Scope::default()).await).await.unwrap();
    let sent = &fake.seen("/v1/oauth/token")[0];
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(body, json!({"grant_type": "refresh_token", "refresh_token": "rt"}));
    assert_eq!(sent.headers["content-type"], "application/json");
    assert!(sent.headers["authorization"].to_str().unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn figma_refreshes_elsewhere() {
    let fake = Fake::start().await;
    fake.answer("/v1/oauth/refresh", 200, json!({"access_token": "at", "expires_in": 60}));
    let token = Secret::from("rt");
    let tokens =
        with("figma", &fake, async |speech| speech.refresh(&token, &scope("x")).await).await.unwrap();
    assert!(tokens.refresh_token.is_none() && fake.count("/v1/oauth/token") == 0);
    assert_eq!(tokens.scope, scope("x"), "what is not said stays");
}

#[tokio::test]
async fn va_13_a_dead_refresh_token_has_many_words() {
    let fake = Fake::start().await;
    for (name, path, status, body, is_gone) in [
        ("google", "/token", 400, json!({"error": "invalid_grant"}), true),
        ("atlassian", "/oauth/token", 403, json!({"error": "invalid_grant"}), true),
        (
            "atlassian",
            "/oauth/token",
            403,
            json!({"error": "unauthorized_client", "error_description": "refresh_token is invalid"}),
            true,
        ),
        ("atlassian", "/oauth/token", 403, json!({"error": "unauthorized_client"}), false),
        ("github", "/login/oauth/access_token", 200, json!({"error": "bad_refresh_token"}), true),
        ("github", "/login/oauth/access_token", 200, json!({"error": "incorrect_client_credentials"}), false),
        ("slack", "/api/oauth.v2.access", 200, json!({"ok": false, "error": "invalid_refresh_token"}), true),
        ("slack", "/api/oauth.v2.access", 200, json!({"ok": false, "error": "internal_error"}), false),
        ("google", "/token", 403, json!({"error": "invalid_grant"}), false),
    ] {
        fake.answer(path, status, body.clone());
        let token = Secret::from("rt");
        let failure = with(name, &fake, async |speech| speech.refresh(&token, &Scope::default()).await).await;
        let failure = failure.unwrap_err();
        assert_eq!(matches!(failure, Failure::Gone(_)), is_gone, "{name} {body}: {failure:?}");
    }
}

#[tokio::test]
async fn va_13_an_answer_that_does_not_come_leaves_the_outcome_open() {
    let fake = Fake::start().await;
    let token = Secret::from("rt");
    fake.close("/token");
    let late = with("google", &fake, async |speech| {
        let speech = Speech { time: Duration::from_millis(200), ..speech };
        speech.refresh(&token, &Scope::default()).await
    });
    assert!(matches!(late.await.unwrap_err(), Failure::OutcomeUnknown(_)));
    let nowhere = with("google", &fake, async |speech| {
        let registered = Registered {
            endpoints: Endpoints { token: "http://127.0.0.1:1/token".into(), ..Endpoints::default() },
            ..speech.registered.clone()
        };
        Speech { registered: &registered, ..speech }.refresh(&token, &Scope::default()).await
    });
    assert!(matches!(nowhere.await.unwrap_err(), Failure::NotSent(_)));
}

#[tokio::test]
async fn va_21_each_provider_is_told_in_its_own_way() {
    let fake = Fake::start().await;
    let (access, refresh) = (Secret::from("at"), Secret::from("rt"));
    for path in ["/applications/our-id/token", "/api/auth.revoke", "/oauth/revoke"] {
        fake.answer(path, 200, json!({"ok": true}));
    }
    for name in ["github", "slack", "gitlab", "figma"] {
        let revoked = with(name, &fake, async |speech| speech.revoke(&access, Some(&refresh)).await).await;
        let expected = if name == "figma" { Revoked::NotOffered } else { Revoked::Done };
        assert_eq!(revoked.unwrap(), expected, "{name}");
    }
    let github = &fake.seen("/applications/our-id/token")[0];
    assert_eq!(github.body, r#"{"access_token":"at"}"#);
    assert!(github.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(fake.seen("/api/auth.revoke")[0].headers["authorization"], "Bearer at");
    let gitlab = &fake.seen("/oauth/revoke")[0];
    assert_eq!(gitlab.parameter("token").as_deref(), Some("rt"), "the refresh token ends the whole grant");
    assert_eq!(gitlab.parameter("client_secret").as_deref(), Some("our-secret"));
}

#[tokio::test]
async fn tokens_for_ourselves_and_in_exchange() {
    let fake = Fake::start().await;
    fake.answer("/oauth/token", 200, tokens("at"));
    let (asked, assertion) = (scope("a b"), Secret::from("the-assertion"));
    with("gitlab", &fake, async |speech| speech.client_credentials(&asked).await).await.unwrap();
    let sent = &fake.seen("/oauth/token")[0];
    assert_eq!(sent.parameter("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(sent.parameter("scope").as_deref(), Some("a b"));
    let exchange = Exchange {
        subject_token: &assertion,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        audience: Some("https://api.test"),
        scope: &asked,
    };
    with("gitlab", &fake, async |speech| speech.exchange_token(&exchange).await).await.unwrap();
    let sent = &fake.seen("/oauth/token")[1];
    let grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    assert_eq!(sent.parameter("grant_type").as_deref(), Some(grant_type));
    assert_eq!(sent.parameter("subject_token").as_deref(), Some("the-assertion"));
    assert_eq!(sent.parameter("audience").as_deref(), Some("https://api.test"));
    fake.answer(
        "/oauth/token",
        400,
        json!({"error": "invalid_request", "error_description": "the-assertion"}),
    );
    let refused = with("gitlab", &fake, async |speech| speech.exchange_token(&exchange).await).await;
    assert!(!refused.unwrap_err().to_string().contains("the-assertion"));
}
