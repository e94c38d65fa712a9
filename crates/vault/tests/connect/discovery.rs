//! MCP servers with an authorization server of their own: found out once, pinned, registered with.

use serde_json::{Value, json};
use vault::{ConnectErrorKind, RegistrationError, Vault};

use crate::{
    fake::Fake,
    world::{World, ada, asked_by, browser, name, need},
};

fn metadata(server: &Fake, changed: &[(&str, Value)]) -> Value {
    let mut metadata = json!({
        "issuer": server.url(""),
        "authorization_endpoint": server.url("/authorize"),
        "token_endpoint": server.url("/token"),
        "registration_endpoint": server.url("/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in changed {
        metadata[*name] = value.clone();
    }
    metadata
}

/// `world.fake` is the MCP server, and says that `authorization` is its authorization server.
fn publish(world: &World, authorization: &Fake, changed: &[(&str, Value)]) {
    let resource = json!({
        "resource": world.fake.url("/mcp"), "authorization_servers": [authorization.url("")],
    });
    world.fake.answer("/.well-known/oauth-protected-resource/mcp", 200, resource);
    let document = metadata(authorization, changed);
    authorization.answer("/.well-known/oauth-authorization-server", 200, document);
    let registered = json!({"client_id": "made-for-us", "client_secret": "made-secret",
        "token_endpoint_auth_method": "client_secret_basic"});
    authorization.answer("/register", 201, registered);
}

/// On this computer only, where nobody could fetch our metadata document.
fn local(world: &World) -> Vault {
    world.vault_with(world.providers(), "http://127.0.0.1:9")
}

async fn refused(vault: &Vault) -> ConnectErrorKind {
    let link = vault.ask(&need(&ada(), "mcp", "read"), &asked_by()).await.unwrap();
    let allowed = vault.allow(&link.id, &ada(), &browser()).await.unwrap();
    vault.authorize(allowed).await.map(drop).unwrap_err().why
}

#[tokio::test]
async fn a_server_s_own_authorization_server_is_found_and_registered_with_once() {
    let world = World::new().await;
    let authorization = Fake::start().await;
    publish(&world, &authorization, &[]);
    let vault = local(&world);
    let away = world.away(&vault, "mcp").await;
    assert_eq!(away.url.origin().ascii_serialization(), authorization.url(""));
    assert_eq!(
        (away.parameter("client_id"), away.parameter("resource")),
        ("made-for-us".into(), world.fake.url("/mcp"))
    );
    let registration: Value = serde_json::from_str(&authorization.seen("/register")[0].body).unwrap();
    assert_eq!(registration["redirect_uris"], json!(["http://127.0.0.1:9/connect/callback/mcp"]));
    assert_eq!(registration["token_endpoint_auth_method"], "client_secret_basic");

    let without = vault.callback(&name("mcp"), &ada(), &browser(), &away.answer("c")).await.unwrap_err();
    assert!(matches!(without.why, ConnectErrorKind::OtherIssuer), "it promises iss: {without:?}");
    let other_node = local(&world);
    let away = world.away(&other_node, "mcp").await;
    let answer = format!("{}&iss={}", away.answer("c"), authorization.url(""));
    other_node.callback(&name("mcp"), &ada(), &browser(), &answer).await.unwrap();
    assert_eq!(authorization.count("/register"), 1, "the pin is everybody's");
    let sent = &authorization.seen("/token")[0];
    assert_eq!(sent.parameter("resource").unwrap(), world.fake.url("/mcp"));
    assert_eq!(world.token(&other_node, "mcp").await.as_deref(), Some("Bearer at-1"));
}

#[tokio::test]
async fn up_05_a_server_that_names_another_authorization_server_changes_nothing() {
    let world = World::new().await;
    let (good, evil) = (Fake::start().await, Fake::start().await);
    publish(&world, &good, &[]);
    world.away(&local(&world), "mcp").await;
    publish(&world, &evil, &[]);
    for vault in [local(&world), local(&world)] {
        let away = world.away(&vault, "mcp").await;
        assert_eq!(away.url.origin().ascii_serialization(), good.url(""));
    }
    assert_eq!(evil.count("/register") + evil.count("/.well-known/oauth-authorization-server"), 0);
    // An operator lets go of the pin.
    let vault = local(&world);
    assert!(vault.forget_server(&name("mcp")).await.unwrap());
    assert!(!vault.forget_server(&name("mcp")).await.unwrap());
    let away = world.away(&vault, "mcp").await;
    assert_eq!(away.url.origin().ascii_serialization(), evil.url(""));
}

#[tokio::test]
async fn up_05_metadata_that_must_not_be_used_pins_nothing() {
    let world = World::new().await;
    let authorization = Fake::start().await;
    let vault = local(&world);
    publish(&world, &authorization, &[("issuer", json!("https://other.test"))]);
    assert!(matches!(
        refused(&vault).await,
        ConnectErrorKind::Registration(RegistrationError::Discovery { .. })
    ));
    publish(&world, &authorization, &[("code_challenge_methods_supported", json!(["plain"]))]);
    assert!(matches!(refused(&vault).await, ConnectErrorKind::Registration(RegistrationError::NoPkce(_))));
    publish(&world, &authorization, &[("authorization_endpoint", Value::Null)]);
    assert!(matches!(
        refused(&vault).await,
        ConnectErrorKind::Registration(RegistrationError::NoEndpoint(_))
    ));
    publish(&world, &authorization, &[("authorization_endpoint", json!("javascript:alert(1)"))]);
    assert!(matches!(refused(&vault).await, ConnectErrorKind::UnsafeUrl(_)));
    let resource =
        json!({"resource": "https://other.test/mcp", "authorization_servers": ["https://other.test"]});
    world.fake.answer("/.well-known/oauth-protected-resource/mcp", 200, resource);
    vault.forget_server(&name("mcp")).await.unwrap();
    assert!(matches!(
        refused(&vault).await,
        ConnectErrorKind::Registration(RegistrationError::Discovery { .. })
    ));
    publish(&world, &authorization, &[]);
    assert!(!world.away(&vault, "mcp").await.id.is_empty());
}

#[tokio::test]
async fn our_metadata_document_comes_before_a_registration() {
    let world = World::new().await;
    let authorization = Fake::start().await;
    publish(&world, &authorization, &[("client_id_metadata_document_supported", json!(true))]);
    let vault = world.vault();
    let away = world.away(&vault, "mcp").await;
    let document = vault.client_metadata(&name("mcp")).unwrap();
    assert_eq!(away.parameter("client_id"), "https://v.test/connect/client/mcp");
    assert_eq!(document["client_id"], "https://v.test/connect/client/mcp");
    assert_eq!(document["redirect_uris"], json!([away.parameter("redirect_uri")]));
    assert_eq!(document["client_name"], "Vestibule");
    assert_eq!(authorization.count("/register"), 0);
    assert_eq!(vault.client_metadata(&name("p")), None, "a configured client has none");
    assert_eq!(local(&world).client_metadata(&name("mcp")), None, "nobody could fetch it");
}
