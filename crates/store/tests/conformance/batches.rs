use futures_util::{FutureExt, future::join_all};
use store::{
    Batch, CommitError, StoreError, authorization_code, authorization_request, grant, refresh_token, session,
    setting, user,
};

use crate::{
    database::Database,
    world::{
        NOW, a_code, a_grant, a_refresh_token, a_request, a_session, a_user, digest, grant_id, populate,
        user_id,
    },
};

pub(crate) async fn are_all_or_nothing(database: Database) {
    let store = database.store().await;
    store.commit(authorization_code::insert(&a_code())).await.unwrap();
    store.commit(authorization_code::redeem(&a_code().digest, NOW)).await.unwrap();
    let redeem = authorization_code::redeem(&a_code().digest, NOW);
    let first = Batch::new().then(redeem.clone()).then(grant::insert(&a_grant()));
    let last = Batch::new()
        .then(grant::insert(&a_grant()))
        .then(refresh_token::insert(&a_refresh_token()))
        .then(redeem);
    for batch in [first, last] {
        let refused = store.commit(batch).await;
        assert_eq!(refused, Err(CommitError::Refused("authorization_code.redeem")));
        assert_eq!(store.grant(&grant_id()).await.unwrap(), None);
        assert_eq!(store.refresh_token(&a_refresh_token().digest).await.unwrap(), None);
    }
    store.commit(Batch::new()).await.unwrap();
}

/// Batches that wait together share a transaction of the embedded engine, but not their fate.
pub(crate) async fn do_not_disturb_each_other(database: Database) {
    let store = database.store().await;
    let write = |number: usize| {
        let store = store.clone();
        let batch = Batch::new().then(setting::insert_if_absent(&format!("{number}"), b"value"));
        let batch = if number.is_multiple_of(2) {
            batch.then(authorization_code::redeem(&digest("no"), NOW))
        } else {
            batch
        };
        tokio::spawn(async move { store.commit(batch).await })
    };
    let answers = join_all((0..64).map(write)).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let is_stored = store.setting(&format!("{number}")).await.unwrap().is_some();
        assert_eq!(answer.unwrap().is_ok(), number % 2 == 1);
        assert_eq!(is_stored, number % 2 == 1, "{number}");
    }
}

pub(crate) async fn with_what_cannot_be_stored_are_rejected(database: Database) {
    let store = database.store().await;
    let orphan =
        Batch::new().then(authorization_request::insert(&a_request())).then(session::insert(&a_session()));
    let rejected = store.commit(orphan).await;
    assert!(
        matches!(rejected, Err(CommitError::Store(StoreError::Rejected { statement: "session.insert", .. }))),
        "{rejected:?}"
    );
    assert!(!rejected.unwrap_err().to_string().contains(user_id().as_str()), "an error shows a bound value");
    assert_eq!(store.authorization_request(&a_request().digest).await.unwrap(), None);

    let nul = store::AuthorizationRequestRecord { state: Some("a\0b".into()), ..a_request() };
    let rejected = store.commit(authorization_request::insert(&nul)).await;
    let expected = StoreError::NulCharacter { statement: "authorization_request.insert" };
    assert_eq!(rejected, Err(CommitError::Store(expected)));
    assert_eq!(store.user_by_name("a\0b").await.unwrap(), None);
    store.ready().await.unwrap();
}

pub(crate) async fn finish_without_their_caller(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    for number in 0..32 {
        let name = format!("{number}");
        let mut commit = Box::pin(store.commit(setting::insert_if_absent(&name, b"value")));
        // Polled once, then dropped: the caller has gone.
        drop((&mut commit).now_or_never());
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    for number in 0..32 {
        while store.setting(&format!("{number}")).await.unwrap().is_none() {
            assert!(tokio::time::Instant::now() < deadline, "{number} was not stored");
            tokio::task::yield_now().await;
        }
    }
    let grant = store.grant(&grant_id()).await.unwrap();
    assert_eq!(grant, Some(a_grant()), "connections are usable afterwards");
}

/// VA-23
pub(crate) async fn bind_every_value(database: Database) {
    let store = database.store().await;
    let hostile = "x'; DROP TABLE users; -- $1 ?1 :a \u{202e} \\ \" ` %_";
    let person = store::UserRecord { name: hostile.into(), display_name: hostile.into(), ..a_user() };
    store.commit(user::insert(&person)).await.unwrap();
    store.commit(session::insert(&a_session())).await.unwrap();
    assert_eq!(store.user_by_name(hostile).await.unwrap().as_ref(), Some(&person));
    assert_eq!(store.users().await.unwrap(), [person]);
}
