//! Servers that lie.

use client::{
    AuthorizationError, Challenge, DiscoveryError, Error, Login, PreRegistered, ProtocolError,
    RegistrationError, Settings, TokenError,
};
use secret::Secret;
use serde_json::{Value, json};

use crate::{
    fake::{Fake, Mcp, Script},
    world::{World, session},
};

/// Changes one member of the authorization server's metadata.
fn with_metadata(member: &str, value: Value) -> Script {
    let mut script = Script::default();
    script.server_metadata[member] = value;
    script
}

/// Nothing about the client or its tokens was told to anybody.
fn assert_nothing_started(fake: &Fake) {
    for path in ["/register", "/authorize", "/token"] {
        assert!(fake.seen(path).is_empty(), "{path} was asked");
    }
}

#[tokio::test]
async fn md_06_metadata_about_another_resource_starts_nothing() {
    let mut script = Script::default();
    script.resource_metadata["resource"] = json!("https://honest.test/mcp");
    let (world, fake) = (World::new(), Fake::start(script).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Discovery(DiscoveryError::ResourceMismatch { .. })), "{error}");
    assert_nothing_started(&fake);
}

#[tokio::test]
async fn md_07_metadata_of_another_issuer_is_not_used() {
    let (world, fake) =
        (World::new(), Fake::start(with_metadata("issuer", json!("https://honest.test"))).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Discovery(DiscoveryError::IssuerMismatch { .. })), "{error}");
    assert_nothing_started(&fake);
}

#[tokio::test]
async fn md_09_without_pkce_nothing_starts() {
    for methods in [json!([]), json!(["plain"])] {
        let script = with_metadata("code_challenge_methods_supported", methods);
        let (world, fake) = (World::new(), Fake::start(script).await);
        let error = world.list(&fake).await.unwrap_err();
        assert!(matches!(error, Error::Authorization(AuthorizationError::NoPkce { .. })), "{error}");
        assert_nothing_started(&fake);
    }
}

#[tokio::test]
async fn md_10_a_challenge_cannot_send_us_to_internal_addresses() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/latest",
        "https://10.0.0.1/prm",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "not a url",
    ] {
        let script = Script { challenge: format!("resource_metadata=\"{url}\""), ..Script::default() };
        let (world, fake) = (World::new(), Fake::start(script).await);
        let error = world.list(&fake).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Outbound(outbound::Error::Refused { .. } | outbound::Error::InvalidUrl(_))
            ),
            "{url}: {error}"
        );
        assert_nothing_started(&fake);
    }
}

#[tokio::test]
async fn md_10_what_is_at_a_named_place_is_not_repeated() {
    let challenge = "resource_metadata=\"{url}/.well-known/oauth-authorization-server\"".to_owned();
    let script = Script { challenge, server_metadata: json!("ami-id hunter2"), ..Script::default() };
    let (world, fake) = (World::new(), Fake::start(script).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn md_11_lists_and_documents_without_end_are_cut_off() {
    let endless = Script { challenge: "resource_metadata=\"{url}/endless\"".to_owned(), ..Script::default() };
    let mut long = Script::default();
    let servers: Vec<String> = (0..50_000).map(|number| format!("https://as{number}.test")).collect();
    long.resource_metadata["authorization_servers"] = json!(servers);
    for script in [endless, long] {
        let (world, fake) = (World::new(), Fake::start(script).await);
        let error = world.list(&fake).await.unwrap_err();
        assert!(matches!(error, Error::Outbound(outbound::Error::TooLarge { .. })), "{error}");
        assert_nothing_started(&fake);
    }
}

#[tokio::test]
async fn md_13_another_authorization_server_learns_nothing_of_the_first() {
    let (world, resource) = (World::new(), Fake::start(Script::default()).await);
    world.list(&resource).await.unwrap();
    let other = Fake::start(Script::default()).await;
    {
        let mut script = resource.script();
        script.resource_metadata["authorization_servers"] = json!([other.url]);
        script.accepted = "other-*".to_owned();
    }
    let answer =
        json!({"access_token": "other-{n}", "token_type": "Bearer", "refresh_token": "other-refresh"});
    other.script().tokens = vec![(200, answer)];
    assert_eq!(world.list(&resource).await.unwrap(), ["echo"]);

    assert_eq!(other.seen("/register").len(), 1);
    assert_eq!(other.seen("/authorize")[0].parameter("client_id"), Some(format!("client-at-{}", other.url)));
    let learned = other.everything();
    for secret in ["refresh-1", "access-1", &format!("client-at-{}", resource.url)] {
        assert!(!learned.contains(secret), "{secret}");
    }
    let told = world.browser.told.lock().unwrap().join("\n");
    assert!(told.contains("AuthorizationServerChanged") && told.contains(&other.url), "{told}");
    assert!(!world.token_file().contains("refresh-1"));
}

#[tokio::test]
async fn md_13_credentials_made_by_hand_are_not_shown_to_another_issuer() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    let pre_registered = PreRegistered {
        client_id: "by-hand".to_owned(),
        client_secret: Some(Secret::from("hunter2")),
        issuer: Some("https://honest.test".to_owned()),
    };
    let client = world.client_with(Settings { pre_registered: Some(pre_registered), ..Settings::default() });
    for login in [Login::Person(&world.browser), Login::ClientCredentials] {
        let error = session(&client, &fake, login).list_tools().await.unwrap_err();
        assert!(matches!(error, Error::Registration(RegistrationError::OtherIssuer { .. })), "{error}");
    }
    assert_nothing_started(&fake);
    assert!(!fake.everything().contains("hunter2"));
}

#[tokio::test]
async fn cl_01_an_authorization_endpoint_that_is_no_web_page_is_not_opened() {
    for endpoint in [
        "a:$(cmd.exe /c calc)",
        "https://x/`id`",
        "file:///etc/passwd",
        "--new-window=https://x/",
        "https://x/ & calc",
        "%CD%",
        "https://x/\n--flag",
        "http://evil.test/authorize",
    ] {
        let script = with_metadata("authorization_endpoint", json!(endpoint));
        let (world, fake) = (World::new(), Fake::start(script).await);
        let error = world.list(&fake).await.unwrap_err();
        assert!(
            matches!(error, Error::Authorization(AuthorizationError::UnsafeUrl { .. })),
            "{endpoint}: {error}"
        );
        assert!(world.browser.opened.lock().unwrap().is_empty(), "{endpoint}");
        assert_nothing_started(&fake);
    }
}

#[tokio::test]
async fn cl_03_forged_responses_do_not_disturb_the_login() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    *world.browser.first.lock().unwrap() = vec![
        "code=forged&state=forged".to_owned(),
        "code=forged".to_owned(),
        "error=access_denied".to_owned(),
        String::new(),
    ];
    assert_eq!(world.list(&fake).await.unwrap(), ["echo"]);
    assert_eq!(fake.seen("/token").len(), 1);
    assert_eq!(fake.seen("/token")[0].parameter("code").as_deref(), Some("the-code"));
}

#[tokio::test]
async fn c9_a_code_from_another_issuer_goes_nowhere() {
    for response in ["code=c", "code=c&iss={url}/", "code=c&iss=https%3A%2F%2Fevil.test"] {
        let script = Script { authorization_response: response.to_owned(), ..Script::default() };
        let (world, fake) = (World::new(), Fake::start(script).await);
        let error = world.list(&fake).await.unwrap_err();
        let Error::Authorization(error) = error else { panic!("{error}") };
        assert!(matches!(error, AuthorizationError::IssuerMismatch { .. }), "{response}: {error}");
        assert!(fake.seen("/token").is_empty());
    }
}

#[tokio::test]
async fn cl_05_what_servers_say_reaches_no_terminal_unfiltered() {
    let refused = "error=access_denied&error_description=%1b%5b2J%3cscript%3e&iss={url}";
    let script = Script { authorization_response: refused.to_owned(), ..Script::default() };
    let (world, fake) = (World::new(), Fake::start(script).await);
    let error = world.list(&fake).await.unwrap_err();
    assert_eq!(error.to_string(), "the login was refused: access_denied ([2J<script>)");

    let answer = json!({"error": "invalid_request", "error_description": "\u{1b}]0;x\u{7}no"});
    let (world, fake) =
        (World::new(), Fake::start(Script { tokens: vec![(400, answer)], ..Script::default() }).await);
    let error = world.list(&fake).await.unwrap_err();
    assert_eq!(error.to_string(), "no token was issued: invalid_request (]0;xno)");
}

#[tokio::test]
async fn cl_10_a_redirect_takes_no_token_along() {
    let other = Fake::start(Script::default()).await;
    let script = Script { mcp: Mcp::Redirect(format!("{}/mcp", other.url)), ..Script::default() };
    let (world, fake) = (World::new(), Fake::start(script).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Redirected)), "{error}");
    assert!(other.seen("/mcp").is_empty());
}

#[tokio::test]
async fn cl_11_a_server_cannot_ask_for_the_token_of_another() {
    let (world, honest) = (World::new(), Fake::start(Script::default()).await);
    world.list(&honest).await.unwrap();
    let lie = json!({"resource": format!("{}/mcp", honest.url), "authorization_servers": [honest.url]});
    let evil = Fake::start(Script { resource_metadata: lie, ..Script::default() }).await;
    let error = world.list(&evil).await.unwrap_err();
    assert!(matches!(error, Error::Discovery(DiscoveryError::ResourceMismatch { .. })), "{error}");
    assert!(!evil.everything().contains("access-1") && !evil.everything().contains("refresh-1"));

    // The same authorization server, two resources that tell the truth: two logins, two tokens.
    evil.script().resource_metadata = json!({"resource": "{url}/mcp", "authorization_servers": [honest.url]});
    assert_eq!(world.list(&evil).await.unwrap(), ["echo"]);
    assert!(!evil.everything().contains("access-1") && evil.everything().contains("access-2"));
    assert_eq!(honest.seen("/authorize")[1].parameter("resource"), Some(format!("{}/mcp", evil.url)));
}

#[tokio::test]
async fn cl_15_token_responses_that_must_not_be_used_leave_nothing_behind() {
    let rows = [
        json!({"access_token": "access-1", "token_type": "MAC"}),
        json!({"access_token": "access-1\r\nX-Evil: 1", "token_type": "Bearer"}),
        json!({"access_token": "access-1", "token_type": "Bearer", "scope": "read admin"}),
        json!({"access_token": "access-1"}),
        json!("<html>"),
    ];
    for answer in rows {
        let (world, fake) = (
            World::new(),
            Fake::start(Script { tokens: vec![(200, answer.clone())], ..Script::default() }).await,
        );
        let error = world.list(&fake).await.unwrap_err();
        assert!(matches!(error, Error::Token(_)), "{answer}: {error}");
        assert!(!world.token_file().contains("access-1"), "{answer}");
    }
    let long = json!({"access_token": "x".repeat(10 << 20), "token_type": "Bearer"});
    let (world, fake) =
        (World::new(), Fake::start(Script { tokens: vec![(200, long)], ..Script::default() }).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Outbound(outbound::Error::TooLarge { limit: 65536, .. })), "{error}");
}

#[tokio::test]
async fn a_token_endpoint_that_is_missing_is_named() {
    let (world, fake) = (World::new(), Fake::start(with_metadata("token_endpoint", Value::Null)).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Token(TokenError::NoEndpoint { .. })), "{error}");
}

#[tokio::test]
async fn the_challenge_of_a_server_is_known_before_a_login() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    let client = world.client();
    let challenge: Option<Challenge> = session(&client, &fake, Login::Never).challenge().await.unwrap();
    assert_eq!(challenge.unwrap().scope.unwrap().to_string(), "read");
}
