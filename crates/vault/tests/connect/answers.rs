//! Answers that are not what they should be (RFC 9700 §4.4, RFC 9207): nothing of them is used.

use std::time::Duration;

use secret::Digest;
use vault::{ConnectErrorKind, Connected, Provider, RequestState, Vault};

use crate::world::{Away, World, ada, browser, name, oauth, owner, person};

async fn why(vault: &Vault, provider: &str, query: &str) -> ConnectErrorKind {
    vault.callback(&name(provider), &ada(), &browser(), query).await.unwrap_err().why
}

async fn state(vault: &Vault, away: &Away) -> RequestState {
    vault.connect_request(&away.id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn up_09_another_browser_or_user_cannot_bring_the_answer() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    let other = Digest::of(b"the cookie of bob's browser");
    for (person, browser, told) in [
        (person("bob"), other, "another user"),
        (person("bob"), browser(), "another user"),
        (ada(), other, "another browser"),
    ] {
        let error = vault.callback(&name("p"), &person, &browser, &away.answer("c")).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error:?}");
        assert!(error.is_forbidden());
    }
    assert_eq!(world.fake.count("/token"), 0, "the code was never exchanged");
    vault.callback(&name("p"), &ada(), &browser(), &away.answer("c")).await.unwrap();
}

#[tokio::test]
async fn up_10_an_answer_is_taken_once_within_ten_minutes() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    for query in ["", "code=c", "code=c&state=unknown", "state=", "error=access_denied&state=x"] {
        assert!(matches!(why(&vault, "p", query).await, ConnectErrorKind::UnknownState), "{query}");
    }
    assert!(matches!(why(&vault, "p", "code=c&state=a&state=b").await, ConnectErrorKind::Malformed));
    vault.callback(&name("p"), &ada(), &browser(), &away.answer("c")).await.unwrap();
    // The button that goes back, and a replay.
    for _ in 0..3 {
        assert!(matches!(why(&vault, "p", &away.answer("c")).await, ConnectErrorKind::AnswerUsed));
    }
    let late = world.away(&vault, "q").await;
    world.advance(Duration::from_mins(11));
    assert!(matches!(why(&vault, "q", &late.answer("c")).await, ConnectErrorKind::AnswerExpired));
    assert_eq!(world.fake.count("/token"), 1);
}

#[tokio::test]
async fn up_10_what_the_provider_refuses_is_told_and_may_be_tried_again() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    let query = format!(
        "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E&state={}",
        away.parameter("state")
    );
    assert!(matches!(why(&vault, "p", &query).await, ConnectErrorKind::Refused(_)));
    let refused = RequestState::Refused {
        error: "access_denied".into(),
        description: Some("<script>alert(1)</script>".into()),
    };
    assert_eq!(state(&vault, &away).await, refused, "to be escaped by the page");
    let again = world.away_for(&vault, &away.id).await;
    vault.callback(&name("p"), &ada(), &browser(), &again.answer("c")).await.unwrap();
}

#[tokio::test]
async fn up_10_with_another_issuer_not_even_the_error_is_told() {
    let world = World::new().await;
    let vault = world.vault();
    for answer in ["code=c", "error=access_denied&error_description=evil-text"] {
        let away = world.away(&vault, "p").await;
        let query = format!("{answer}&state={}&iss=https%3A%2F%2Fevil.test", away.parameter("state"));
        assert!(matches!(why(&vault, "p", &query).await, ConnectErrorKind::OtherIssuer));
        let RequestState::Failed { told } = state(&vault, &away).await else { panic!() };
        assert!(!told.contains("evil"), "{told}");
        let again = why(&vault, "p", &away.answer("c")).await;
        assert!(matches!(again, ConnectErrorKind::AnswerUsed), "the state is spent: {again:?}");
    }
    assert_eq!(world.fake.count("/token"), 0);
}

#[tokio::test]
async fn up_06_the_answer_of_one_provider_does_not_come_by_the_callback_of_another() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "q").await;
    assert_eq!(away.parameter("redirect_uri"), "https://v.test/connect/callback/q");
    assert!(matches!(why(&vault, "p", &away.answer("c")).await, ConnectErrorKind::OtherProvider));
    let again = why(&vault, "q", &away.answer("c")).await;
    assert!(matches!(again, ConnectErrorKind::AnswerUsed), "the state is spent: {again:?}");
    assert_eq!(world.fake.count("/token"), 0);
}

#[tokio::test]
async fn up_06_a_code_goes_only_where_it_was_meant_to_go_when_the_browser_left() {
    let world = World::new().await;
    let vault = world.vault();
    let away = world.away(&vault, "p").await;
    let moved: Vec<Provider> =
        vec![Provider { kind: oauth(world.configured("/stolen")), ..world.providers().remove(0) }];
    let other = world.vault_with(moved, "https://v.test");
    let error = why(&other, "p", &away.answer("c")).await;
    assert!(matches!(error, ConnectErrorKind::ProviderChanged), "{error:?}");
    assert_eq!((world.fake.count("/token"), world.fake.count("/stolen")), (0, 0));
}

#[tokio::test]
async fn a_race_over_two_nodes_has_exactly_one_winner() {
    let world = World::new().await;
    let vaults = [world.vault(), world.vault()];
    let away = world.away(&vaults[0], "p").await;
    let callbacks = (0..24).map(|number| {
        let (vault, answer) = (vaults[number % 2].clone(), away.answer("c"));
        tokio::spawn(async move { vault.callback(&name("p"), &ada(), &browser(), &answer).await })
    });
    let (mut done, mut lost) = (0, 0);
    for callback in callbacks.collect::<Vec<_>>() {
        match callback.await.unwrap() {
            Ok(Connected::Done { .. }) => done += 1,
            Err(error) if matches!(error.why, ConnectErrorKind::AnswerUsed) => lost += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((done, lost, world.fake.count("/token")), (1, 23, 1));
    assert_eq!(vaults[1].connections(&owner(&ada())).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_state_of_somebody_else_gives_them_nothing() {
    let world = World::new().await;
    let vault = world.vault();
    // Bob begins, and has Ada's browser bring his answer (login CSRF, state fixation).
    let link = vault.ask(&crate::world::need(&person("bob"), "p", "read"), None).await.unwrap();
    let bobs = Digest::of(b"the cookie of bob's browser");
    let allowed = vault.allow(&link.id, &person("bob"), &bobs).await.unwrap();
    let step = vault.authorize(allowed).await.unwrap();
    let vault::AuthorizeStep::Redirect(url) = step else { panic!("{step:?}") };
    let url = url::Url::parse(url.as_str()).unwrap();
    let away = Away { id: link.id, url };
    assert!(matches!(why(&vault, "p", &away.answer("c")).await, ConnectErrorKind::OtherPerson));
    assert!(vault.connections(&owner(&ada())).await.unwrap().is_empty());
    assert_eq!(world.fake.count("/token"), 0);
}
