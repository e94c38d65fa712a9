//! Keys and passwords that a person enters.

use secret::Secret;
use serde_json::json;
use vault::{AuthorizeStep, ConnectErrorKind, Connected, EnteredSecret};

use crate::world::{World, ada, asked_by, browser, name, need, owner, person};

fn entered(user: Option<&str>, secret: &str) -> EnteredSecret {
    EnteredSecret { name: user.map(str::to_owned), secret: Secret::from(secret) }
}

#[tokio::test]
async fn a_key_is_tried_before_it_is_kept() {
    let world = World::new().await;
    let vault = world.vault();
    let link = vault.ask(&need(&ada(), "key", ""), &asked_by()).await.unwrap();
    let allowed = vault.allow(&link.id, &ada(), &browser()).await.unwrap();
    let step = vault.authorize(allowed).await.unwrap();
    assert!(matches!(step, AuthorizeStep::EnterSecret { with_name: false, .. }), "{step:?}");

    let theirs = vault.enter_secret(&link.id, &person("bob"), entered(None, "k")).await.unwrap_err();
    assert!(matches!(theirs.why, ConnectErrorKind::OtherUser));
    world.fake.answer("/probe", 401, json!({}));
    let refused = vault.enter_secret(&link.id, &ada(), entered(None, "wrong")).await.unwrap_err();
    assert!(matches!(refused.why, ConnectErrorKind::Entered(_)), "{refused:?}");
    assert_eq!(world.token(&vault, "key").await, None);

    world.fake.answer("/probe", 200, json!({}));
    let done = vault.enter_secret(&link.id, &ada(), entered(None, " Bearer good-key\n")).await.unwrap();
    assert!(matches!(done, Connected::Done { account: None, .. }), "{done:?}");
    assert_eq!(world.fake.seen("/probe")[1].headers["authorization"], "Bearer good-key");
    assert_eq!(world.token(&vault, "key").await.as_deref(), Some("Bearer good-key"));
    let again = vault.enter_secret(&link.id, &ada(), entered(None, "other")).await.unwrap_err();
    assert!(matches!(again.why, ConnectErrorKind::Completed), "{again:?}");
}

#[tokio::test]
async fn only_a_clear_401_refuses_a_key() {
    let world = World::new().await;
    let vault = world.vault();
    for (status, key) in [(403, "k1"), (404, "k2"), (500, "k3"), (302, "k4")] {
        world.fake.answer("/probe", status, json!({}));
        let link = vault.ask(&need(&ada(), "key", ""), None).await.unwrap();
        vault.enter_secret(&link.id, &ada(), entered(None, key)).await.unwrap();
        assert_eq!(world.token(&vault, "key").await, Some(format!("Bearer {key}")), "{status}");
    }
    assert_eq!(
        vault.connections(&owner(&ada())).await.unwrap().len(),
        1,
        "a new key takes the place of the old"
    );
}

#[tokio::test]
async fn a_name_and_a_password_go_as_basic() {
    let world = World::new().await;
    let vault = world.vault();
    let link = vault.ask(&need(&ada(), "basic", ""), &asked_by()).await.unwrap();
    vault.enter_secret(&link.id, &ada(), entered(Some("ada"), "p:w")).await.unwrap();
    assert_eq!(world.token(&vault, "basic").await.as_deref(), Some("Basic YWRhOnA6dw=="));
    let link = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    let error = vault.enter_secret(&link.id, &ada(), entered(None, "pasted-token")).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::NotConnectable), "{error:?}");
    assert!(vault.provider(&name("basic")).unwrap().is_connectable());
}
