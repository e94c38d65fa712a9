//! What works when nobody misbehaves.

use client::{Error, LoggedOut, Login, PreRegistered, Settings};
use secret::Secret;
use serde_json::{Map, json};

use crate::{
    fake::{Fake, Mcp, Script},
    world::{World, server, session},
};

#[tokio::test]
async fn a_login_sends_what_the_standards_ask_and_is_remembered() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    assert_eq!(world.list(&fake).await.unwrap(), ["echo"]);

    let registered = &fake.seen("/register")[0];
    let metadata: serde_json::Value = serde_json::from_str(&registered.body).unwrap();
    assert_eq!(metadata["application_type"], "native");
    assert_eq!(metadata["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(metadata["token_endpoint_auth_method"], "none");

    let (authorized, exchanged) = (&fake.seen("/authorize")[0], &fake.seen("/token")[0]);
    let resource = Some(format!("{}/mcp", fake.url));
    assert_eq!(
        (authorized.parameter("resource"), exchanged.parameter("resource")),
        (resource.clone(), resource)
    );
    assert_eq!(authorized.parameter("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(authorized.parameter("scope").as_deref(), Some("read"));
    assert_eq!(authorized.parameter("redirect_uri"), exchanged.parameter("redirect_uri"));
    assert_eq!(exchanged.parameter("client_id"), Some(format!("client-at-{}", fake.url)));
    assert_eq!(exchanged.parameter("code").as_deref(), Some("the-code"));
    assert_ne!(authorized.parameter("state"), exchanged.parameter("code_verifier"));

    assert_eq!(world.list(&fake).await.unwrap(), ["echo"]);
    assert_eq!((fake.seen("/authorize").len(), fake.seen("/register").len()), (1, 1));
}

#[tokio::test]
async fn without_a_person_a_login_is_required() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    let client = world.client();
    let error = session(&client, &fake, Login::Never).list_tools().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired(_)), "{error}");
    assert!(fake.seen("/register").is_empty() && fake.seen("/authorize").is_empty());
}

#[tokio::test]
async fn every_era_and_kind_of_answer_works() {
    for mcp in [Mcp::Modern, Mcp::Legacy, Mcp::EventStream] {
        let (world, fake) =
            (World::new(), Fake::start(Script { mcp: mcp.clone(), ..Script::default() }).await);
        let client = world.client();
        let mut session = session(&client, &fake, Login::Person(&world.browser));
        assert_eq!(session.list_tools().await.unwrap().len(), 1);
        let result = session.call_tool("echo", Map::new()).await.unwrap();
        assert_eq!(result.content[0].text(), Some("said"));
        session.close().await;
        let ended = fake.seen("/mcp").iter().filter(|seen| seen.method == "DELETE").count();
        assert_eq!(ended, usize::from(mcp == Mcp::Legacy));
        let ponged = fake.seen("/mcp").iter().any(|seen| seen.body.contains("\"id\":\"p\",\"result\":{}"));
        assert_eq!(ponged, mcp == Mcp::EventStream);
    }
}

#[tokio::test]
async fn client_credentials_need_no_person() {
    let script = Script::default();
    let mut metadata = script.server_metadata.clone();
    metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
    let fake = Fake::start(Script { server_metadata: metadata, ..script }).await;
    let world = World::new();
    let pre_registered = Some(PreRegistered {
        client_id: "robot".to_owned(),
        client_secret: Some(Secret::from("s")),
        issuer: None,
    });
    let client = world.client_with(Settings { pre_registered, ..Settings::default() });
    assert_eq!(session(&client, &fake, Login::ClientCredentials).list_tools().await.unwrap().len(), 1);
    let exchanged = &fake.seen("/token")[0];
    assert_eq!(exchanged.parameter("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(exchanged.headers["authorization"], "Basic cm9ib3Q6cw==");
    assert_eq!(exchanged.parameter("client_secret"), None);

    let anonymous = World::new().client();
    let error = session(&anonymous, &fake, Login::ClientCredentials).list_tools().await.unwrap_err();
    assert!(matches!(error, Error::NoCredentials), "{error}");
}

#[tokio::test]
async fn logging_out_revokes_the_refresh_token_and_forgets_everything() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    world.list(&fake).await.unwrap();
    assert!(matches!(world.client().logout(&server(&fake)).await.unwrap(), LoggedOut::Revoked));
    let revoked = &fake.seen("/revoke")[0];
    assert_eq!(revoked.parameter("token").as_deref(), Some("refresh-1"));
    assert_eq!(revoked.parameter("token_type_hint").as_deref(), Some("refresh_token"));
    let file = world.token_file();
    assert!(
        !file.contains("refresh-1") && !file.contains("access-1") && !file.contains("client-at-"),
        "{file}"
    );
    assert!(matches!(world.client().logout(&server(&fake)).await.unwrap(), LoggedOut::NotLoggedIn));
}

#[tokio::test]
async fn c14_step_up_asks_for_the_union_and_gives_up_after_three_logins() {
    let script = Script { mcp: Mcp::Insufficient("write".to_owned()), ..Script::default() };
    let (world, fake) = (World::new(), Fake::start(script).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::ScopeRefused { .. }), "{error}");
    let asked: Vec<_> = fake.seen("/authorize").iter().map(|seen| seen.parameter("scope").unwrap()).collect();
    assert_eq!(asked, ["read", "read write", "read write"]);
}

#[tokio::test]
async fn tokens_that_the_server_refuses_end_after_three_logins() {
    let (world, fake) =
        (World::new(), Fake::start(Script { accepted: "no".to_owned(), ..Script::default() }).await);
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::TokensRefused(_)), "{error}");
    assert_eq!(fake.seen("/authorize").len(), 3);
}

#[tokio::test]
async fn a_client_that_the_server_has_dropped_is_registered_anew() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    fake.script().tokens = vec![
        (401, json!({"error": "invalid_client"})),
        (200, json!({"access_token": "access-{n}", "token_type": "Bearer"})),
    ];
    let error = world.list(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Token(_)), "{error}");
    assert_eq!(world.list(&fake).await.unwrap(), ["echo"]);
    assert_eq!(fake.seen("/register").len(), 2);
}

#[tokio::test]
async fn a_tool_that_wants_its_arguments_in_headers_gets_them() {
    let (world, fake) = (World::new(), Fake::start(Script::default()).await);
    fake.script().tools = json!([
        {"name": "good", "inputSchema": {"properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}}},
        {"name": "bad", "inputSchema": {"properties": {"zone": {"type": "number", "x-mcp-header": "Zone"}}}},
    ]);
    let client = world.client();
    let mut session = session(&client, &fake, Login::Person(&world.browser));
    let names: Vec<_> = session.list_tools().await.unwrap().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["good"]);
    let arguments = Map::from_iter([("zone".to_owned(), json!("a1"))]);
    session.call_tool("good", arguments).await.unwrap();
    let called = fake.seen("/mcp").pop().unwrap();
    assert_eq!(
        (&called.headers["mcp-param-zone"], &called.headers["mcp-name"]),
        (&"a1".parse().unwrap(), &"good".parse().unwrap())
    );
}
