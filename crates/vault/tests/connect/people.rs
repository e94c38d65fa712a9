//! Who may connect what.

use std::time::Duration;

use oauth::{ClientId, Issuer};
use vault::{ConnectErrorKind, Connected, CredentialError, Owner, RequestState, TeamName};

use crate::world::{World, ada, asked_by, browser, name, need, need_of, owner, person, scope};

#[tokio::test]
async fn up_07_a_link_is_for_the_very_person() {
    let world = World::new().await;
    let vault = world.vault();
    let link = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    let request = vault.connect_request(&link.id).await.unwrap().unwrap();
    let (bob, id) = (person("bob"), link.id.as_str());
    assert!(vault.may_connect(&request, &ada()).is_ok());
    assert!(vault.may_connect(&request, &bob).unwrap_err().is_forbidden());
    let errors = [
        vault.allow(id, &bob, &browser()).await.map(drop).unwrap_err(),
        vault.decline(id, &bob).await.unwrap_err(),
        vault.settle_account(id, &bob, vault::AccountChoice::Replace).await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.why, ConnectErrorKind::OtherUser) && error.is_forbidden(), "{error:?}");
    }
    let request = vault.connect_request(id).await.unwrap().unwrap();
    assert_eq!(request.state, RequestState::Open, "nothing was started");
}

#[tokio::test]
async fn up_13_nothing_is_sent_to_a_provider_before_it_was_allowed() {
    let world = World::new().await;
    let vault = world.vault();
    let link = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    let allowed = vault.allow(&link.id, &ada(), &browser()).await.unwrap();
    vault.decline(&link.id, &ada()).await.unwrap();
    let error = vault.authorize(allowed).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::NotAllowed), "{error:?}");
    let error = vault.allow(&link.id, &ada(), &browser()).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::Completed), "{error:?}");
    let another = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    assert_ne!(another.id, link.id, "a new call asks anew");
}

#[tokio::test]
async fn a_link_expires_and_a_new_call_gives_it_new_life() {
    let world = World::new().await;
    let vault = world.vault();
    let link = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    world.advance(Duration::from_mins(61));
    let error = vault.allow(&link.id, &ada(), &browser()).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::Expired), "{error:?}");
    let again = vault.ask(&need(&ada(), "p", "read"), &asked_by()).await.unwrap();
    assert!(vault.allow(&again.id, &ada(), &browser()).await.is_ok());
    let error = vault.allow("no-such-request", &ada(), &browser()).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::UnknownRequest));
}

#[tokio::test]
async fn up_14_what_one_has_connected_another_has_not() {
    let world = World::new().await;
    let vault = world.vault();
    world.connect(&vault, "p").await.unwrap();
    let bobs = vault.credential(&owner(&person("bob")), &name("p"), &scope("read")).await;
    assert!(matches!(bobs, Err(CredentialError::Connect(_))), "{bobs:?}");
}

#[tokio::test]
async fn up_14_a_team_s_account_is_connected_by_its_managers() {
    let world = World::new().await;
    let vault = world.vault();
    let team = Owner::Team(TeamName::parse("ops").unwrap());
    let link = vault.ask(&need_of(team.clone(), "p", "read"), &asked_by()).await.unwrap();
    let member = vault.allow(&link.id, &ada(), &browser()).await.unwrap_err();
    assert!(matches!(member.why, ConnectErrorKind::NotAManager(_)), "{member:?}");
    let grace = person("grace");
    let allowed = vault.allow(&link.id, &grace, &browser()).await.unwrap();
    let step = vault.authorize(allowed).await.unwrap();
    let vault::AuthorizeStep::Redirect(url) = step else { panic!("{step:?}") };
    let url = url::Url::parse(url.as_str()).unwrap();
    let away = crate::world::Away { id: link.id, url };
    let connected = vault.callback(&name("p"), &grace, &browser(), &away.answer("c")).await.unwrap();
    assert!(matches!(connected, Connected::Done { .. }));
    assert!(vault.credential(&team, &name("p"), &scope("read")).await.is_ok());
    assert!(
        vault.credential(&owner(&grace), &name("p"), &scope("read")).await.is_err(),
        "it is the team's alone"
    );
}

#[tokio::test]
async fn who_cannot_sign_in_here_is_told_what_to_do_instead() {
    let world = World::new().await;
    let vault = world.vault();
    let issuer = Issuer::parse("https://idp.test").unwrap();
    for owner in [
        Owner::Subject { issuer, subject: "user_ada".into() },
        Owner::Client(ClientId::from_unverified("user_ada")),
    ] {
        let link = vault.ask(&need_of(owner, "p", "read"), &asked_by()).await.unwrap();
        let error = vault.allow(&link.id, &ada(), &browser()).await.unwrap_err();
        assert!(matches!(error.why, ConnectErrorKind::NotHere(told) if told.contains("team")), "{error:?}");
    }
    let link = vault.ask(&need(&ada(), "nobody", ""), &asked_by()).await.unwrap();
    let error = vault.allow(&link.id, &ada(), &browser()).await.unwrap_err();
    assert!(matches!(error.why, ConnectErrorKind::NotConnectable), "{error:?}");
}
