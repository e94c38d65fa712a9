//! Whose a credential is (UP-14), and what is asked for.

use std::time::Duration;

use oauth::{ClientId, Issuer};
use vault::{CredentialError, NeedReason, Owner, ProviderName, TeamName};

use crate::{
    provider::HOUR,
    world::{World, get, github, owner, scope, shown},
};

fn team() -> Owner {
    Owner::Team(TeamName::parse("platform").unwrap())
}

#[tokio::test]
async fn up_14_nobody_gets_what_another_has_connected() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    vault.create(&team(), &github(), world.received("platform")).await.unwrap();
    let issuer = Issuer::parse("https://idp.example").unwrap();
    let strangers = [
        owner("bob"),
        owner("ada "),
        owner("ADA"),
        owner("ad"),
        Owner::Subject { issuer, subject: "ada".into() },
        Owner::Team(TeamName::parse("ada").unwrap()),
    ];
    for stranger in strangers {
        let answer = vault.credential(&stranger, &github(), &scope("read")).await;
        let Err(CredentialError::Connect(need)) = answer else { panic!("{stranger}: {answer:?}") };
        assert_eq!((need.reason, &need.owner), (NeedReason::Never, &stranger));
        assert_eq!(need.scope, scope("read"));
    }
    let nobody = Owner::Client(ClientId::from_unverified("ada"));
    let answer = vault.credential(&nobody, &github(), &scope("read")).await;
    assert_eq!(answer.unwrap_err(), CredentialError::NotForClients);
    assert!(shown(&get(&vault, "ada").await.unwrap()).contains("at-ada"));
    let shared = vault.credential(&team(), &github(), &scope("read")).await.unwrap();
    assert!(shown(&shared).contains("at-platform"));
    assert_eq!(shared.account(), Some("platform@example"));
}

#[tokio::test]
async fn up_14_nor_is_what_another_has_seen_or_ended() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    assert_eq!(vault.get(&owner("bob"), &id).await.unwrap(), None);
    assert!(vault.delete(&owner("bob"), &id).await.is_err());
    assert!(vault.choose(&owner("bob"), &id).await.is_err());
    assert!(vault.acquire_for_update(&owner("bob"), &id, HOUR).await.is_err());
    assert!(vault.exists(&owner("ada"), &github()).await.unwrap());
    assert!(!vault.exists(&owner("bob"), &github()).await.unwrap());
    let everybody = vault.all_connections(None, 10).await.unwrap();
    assert_eq!(everybody.len(), 1);
    assert!(!format!("{everybody:?}").contains("canary"), "VA-19");
    assert_eq!(vault.all_connections(Some(&id), 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_missing_is_asked_for_beside_what_there_is() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    let answer = vault.credential(&owner("ada"), &github(), &scope("read write")).await;
    let Err(CredentialError::Connect(need)) = answer else { panic!("{answer:?}") };
    assert_eq!(need.reason, NeedReason::Scope(scope("write")));
    assert_eq!(need.scope, scope("read write"));
}

#[tokio::test]
async fn what_the_installation_is_given_serves_everybody() {
    let world = World::sqlite().await;
    let nodes = [world.node(), world.node()];
    let own = ProviderName::parse("own").unwrap();
    for round in 1..=3 {
        for user in ["ada", "bob"] {
            for vault in &nodes {
                let credential = vault.credential(&owner(user), &own, &scope("")).await.unwrap();
                assert_eq!(shown(&credential), format!("Bearer own-{round}"));
            }
        }
        assert_eq!(world.provider.calls("installation"), round);
        world.clock.pass(HOUR);
    }
    assert_eq!(nodes[0].all_connections(None, 10).await.unwrap().len(), 1);
    let refused = nodes[0].credential(&owner("ada"), &own, &scope("")).await.unwrap();
    assert_eq!(shown(&nodes[0].rejected(&refused).await.unwrap()), "Bearer own-5");
    let more = nodes[0].credential(&owner("ada"), &own, &scope("admin")).await;
    assert!(matches!(more, Err(CredentialError::Unavailable { .. })), "nobody can be asked: {more:?}");
}

#[tokio::test]
async fn what_the_operator_configured_is_used_and_never_stored() {
    let world = World::sqlite().await;
    let vault = world.node();
    let configured = ProviderName::parse("configured").unwrap();
    let credential = vault.credential(&owner("ada"), &configured, &scope("")).await.unwrap();
    assert_eq!(shown(&credential), "Bearer a-key");
    vault.record_use().await.unwrap();
    assert_eq!(vault.all_connections(None, 10).await.unwrap(), []);
    let gone = vault.credential(&owner("ada"), &ProviderName::parse("gone").unwrap(), &scope("")).await;
    assert_eq!(gone.unwrap_err(), CredentialError::UnknownProvider);
}

#[tokio::test]
async fn a_reload_ends_nothing_that_is_open_with_what_the_operator_configured() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let connected = get(&vault, "ada").await.unwrap();
    let configured = ProviderName::parse("configured").unwrap();
    let credential = vault.credential(&owner("ada"), &configured, &scope("")).await.unwrap();
    let before = tokio::spawn(vault.ended(&credential));
    tokio::task::yield_now().await;
    vault.reload(&[], &[]);
    // Between a request and its head nobody has looked yet.
    let after = tokio::spawn(vault.ended(&credential));
    tokio::task::yield_now().await;

    let other = tokio::spawn(vault.ended(&connected));
    tokio::task::yield_now().await;
    assert!(!other.is_finished(), "nor does a reload end a connection");
    vault.delete(&owner("ada"), &id).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), other).await.unwrap().unwrap();
    assert!(!before.is_finished() && !after.is_finished());
}

#[tokio::test]
async fn va_11_use_is_written_down_beside_the_credential() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    get(&vault, "ada").await.unwrap();
    let before = world.store().held_credential(id.as_str()).await.unwrap().unwrap().credential;
    vault.record_use().await.unwrap();
    let after = world.store().held_credential(id.as_str()).await.unwrap().unwrap();
    assert_eq!(after.connection.last_used_at, Some(oauth::Clock::now(&*world.clock)));
    assert_eq!(after.credential, before);
}

#[tokio::test]
async fn va_23_names_are_values() {
    let world = World::sqlite().await;
    let vault = world.node();
    let sly = "x'; DROP TABLE connections; --";
    assert!(ProviderName::parse(sly).is_none() && TeamName::parse(sly).is_none());
    vault.create(&owner(sly), &github(), world.received("sly")).await.unwrap();
    assert_eq!(vault.connections(&owner(sly)).await.unwrap().len(), 1);
    assert!(vault.credential(&owner(sly), &github(), &scope("read")).await.is_ok());
    assert_eq!(vault.connections(&owner("x")).await.unwrap(), []);
}
