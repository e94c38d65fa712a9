//! Credentials that nobody connects: of this installation itself, in exchange for an assertion, configured.

use std::sync::{Arc, Mutex};

use oauth::{ClientId, Scope};
use secret::Secret;
use vault::{
    CredentialError, Owner, Provider,
    provider::{AccountSource, Assertions, AuthorizationServer, Entry, ProviderKind, Quirks, TokenExchange},
};

use crate::{
    fake::tokens,
    world::{World, ada, name, owner, person},
};

/// Vouches for users, and remembers for whom and to whom.
#[derive(Default)]
struct Vouching(Mutex<Vec<String>>);

impl Assertions for Vouching {
    fn mint(&self, owner: &Owner, audience: &str) -> Option<Secret<String>> {
        let Owner::User(user) = owner else { return None };
        self.0.lock().unwrap().push(format!("{user} to {audience}"));
        Some(Secret::new(format!("assertion-about-{user}")))
    }
}

fn server(world: &World) -> AuthorizationServer {
    AuthorizationServer { source: world.configured("/token"), quirks: Quirks::default() }
}

#[tokio::test]
async fn a_token_is_exchanged_for_an_assertion_about_the_person() {
    let world = World::new().await;
    let exchange = TokenExchange {
        server: server(&world),
        assertion_audience: "https://as.test".into(),
        audience: Some("https://api.test".into()),
    };
    let kind = ProviderKind::TokenExchange(Box::new(exchange));
    let provider = Provider { accounts: AccountSource::None, ..world.provider("exchange", kind) };
    let vouching = Arc::new(Vouching::default());
    let vault = world.vault_of(vec![provider], "https://v.test", Some(vouching.clone()));

    assert_eq!(world.token(&vault, "exchange").await.as_deref(), Some("Bearer at-1"));
    let sent = &world.fake.seen("/token")[0];
    assert_eq!(sent.parameter("subject_token").as_deref(), Some("assertion-about-user_ada"));
    assert_eq!(sent.parameter("audience").as_deref(), Some("https://api.test"));
    assert_eq!(*vouching.0.lock().unwrap(), ["user_ada to https://as.test"]);

    world.fake.answer("/token", 200, tokens("at-of-bob"));
    let bobs = vault.credential(&owner(&person("bob")), &name("exchange"), &Scope::default()).await;
    assert!(bobs.is_ok(), "each has their own");
    assert_eq!(world.token(&vault, "exchange").await.as_deref(), Some("Bearer at-1"));
    let client = Owner::Client(ClientId::from_unverified("app"));
    let nobody = vault.credential(&client, &name("exchange"), &Scope::default()).await;
    assert!(nobody.is_err(), "{nobody:?}");
    assert_eq!(world.fake.count("/token"), 2, "nobody is vouched for who is nobody");
}

#[tokio::test]
async fn this_installation_has_one_token_for_everybody() {
    let world = World::new().await;
    let kind = ProviderKind::ClientCredentials(Box::new(server(&world)));
    let provider = Provider { accounts: AccountSource::None, ..world.provider("ours", kind) };
    let vault = world.vault_of(vec![provider], "https://v.test", None);
    assert!(!vault.provider(&name("ours")).unwrap().is_connectable());
    for who in [owner(&ada()), owner(&person("bob")), Owner::Client(ClientId::from_unverified("app"))] {
        vault.credential(&who, &name("ours"), &Scope::default()).await.unwrap();
    }
    assert_eq!(world.fake.count("/token"), 1);
    assert_eq!(world.fake.seen("/token")[0].parameter("grant_type").as_deref(), Some("client_credentials"));
}

#[tokio::test]
async fn a_configured_key_asks_nobody() {
    let world = World::new().await;
    let entry = Entry { configured: Some(Secret::from("operators-key")), ..Entry::default() };
    let provider = world.provider("key", ProviderKind::ApiKey(entry));
    let vault = world.vault_of(vec![provider], "https://v.test", None);
    assert_eq!(world.token(&vault, "key").await.as_deref(), Some("Bearer operators-key"));
    let link = vault.ask(&crate::world::need(&ada(), "key", ""), None).await.unwrap();
    let error = vault.allow(&link.id, &ada(), &crate::world::browser()).await.unwrap_err();
    assert!(matches!(error.why, vault::ConnectErrorKind::NotConnectable), "{error:?}");
    let unknown = vault.credential(&owner(&ada()), &name("unknown"), &Scope::default()).await;
    assert!(matches!(unknown, Err(CredentialError::UnknownProvider)));
}
