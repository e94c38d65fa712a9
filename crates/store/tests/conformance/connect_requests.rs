//! Connect requests: one open one for each asker, each answer taken once, what was received kept until it is settled.

use oauth::UserId;
use store::{
    Batch, CommitError, ConnectAttemptRecord, ConnectRequestRecord, ConnectState, ProviderClientRecord,
    Statement, Store, connect_attempt, connect_request, provider_client,
};

use crate::{
    database::Database,
    parallel::count_successes,
    world::{MINUTE, NOW, digest, scope},
};

fn user() -> UserId {
    UserId::from_unverified("user_1")
}

fn a_request(id: &str) -> ConnectRequestRecord {
    ConnectRequestRecord {
        id: id.into(),
        owner: "user:user_1".into(),
        provider: "github".into(),
        client_id: "client_1".into(),
        server: "repos".into(),
        asked_by: Some("{}".into()),
        scope: scope("read"),
        reason: "never".into(),
        state: ConnectState::Open,
        outcome: None,
        received_sealed: None,
        allowed_by: None,
        created_at: NOW,
        changed_at: NOW,
        expires_at: NOW + 60 * MINUTE,
        completed_at: None,
    }
}

fn an_attempt(id: &str) -> ConnectAttemptRecord {
    ConnectAttemptRecord {
        id: id.into(),
        request_id: "request_1".into(),
        user_id: user(),
        browser_digest: digest("browser"),
        flow_sealed: vec![1, 2],
        created_at: NOW,
        expires_at: NOW + 10 * MINUTE,
        used_at: None,
    }
}

async fn refused(store: &Store, statement: Statement) {
    let name = statement.sql.name;
    assert_eq!(store.commit(statement).await, Err(CommitError::Refused(name)));
}

async fn state(store: &Store) -> ConnectState {
    store.connect_request("request_1").await.unwrap().unwrap().state
}

pub(crate) async fn are_read_back_and_open_once(database: Database) {
    let store = database.store().await;
    store.commit(connect_request::insert(&a_request("request_1"))).await.unwrap();
    assert_eq!(store.connect_request("request_1").await.unwrap(), Some(a_request("request_1")));
    let open = store.open_connect_request("user:user_1", "github", "client_1", "repos").await.unwrap();
    assert_eq!(open, Some(a_request("request_1")));
    refused(&store, connect_request::insert(&a_request("request_2"))).await;
    let more = ConnectRequestRecord { scope: scope("read write"), ..a_request("request_1") };
    store.commit(connect_request::extend(&more, &scope("read"))).await.unwrap();
    refused(&store, connect_request::extend(&more, &scope("read"))).await;
    store.commit(connect_request::decline("request_1", NOW)).await.unwrap();
    assert_eq!(store.open_connect_request("user:user_1", "github", "client_1", "repos").await.unwrap(), None);
    store.commit(connect_request::insert(&a_request("request_2"))).await.unwrap();
}

pub(crate) async fn go_their_way_and_no_other(database: Database) {
    let store = database.store().await;
    store.commit(connect_request::insert(&a_request("request_1"))).await.unwrap();
    let attempt = an_attempt("attempt_1");
    refused(&store, connect_request::authorize(&attempt, NOW - MINUTE)).await;
    store.commit(connect_request::allow("request_1", &user(), NOW)).await.unwrap();
    let other =
        ConnectAttemptRecord { user_id: UserId::from_unverified("user_2"), ..an_attempt("attempt_2") };
    refused(&store, connect_request::authorize(&other, NOW - MINUTE)).await;
    let batch = Batch::new()
        .then(connect_request::authorize(&attempt, NOW - MINUTE))
        .then(connect_attempt::insert(&attempt));
    store.commit(batch).await.unwrap();
    assert_eq!(store.connect_attempt("attempt_1").await.unwrap(), Some(attempt));

    refused(&store, connect_request::receive("request_1", &[3], NOW, NOW + 60 * MINUTE)).await;
    store.commit(connect_request::exchange("request_1", NOW, NOW - MINUTE)).await.unwrap();
    refused(&store, connect_request::exchange("request_1", NOW, NOW - MINUTE)).await;
    refused(&store, connect_request::decline("request_1", NOW)).await;
    store.commit(connect_request::exchange("request_1", NOW + 2 * MINUTE, NOW + MINUTE)).await.unwrap();
    store.commit(connect_request::receive("request_1", &[3], NOW, NOW + 90 * MINUTE)).await.unwrap();
    refused(&store, connect_request::end("request_1", ConnectState::Failed, "{}", NOW)).await;
    refused(&store, connect_request::allow("request_1", &user(), NOW)).await;
    let left = store.left_over_connect_requests(NOW, NOW, 9).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].received_sealed.as_deref(), Some(&[3][..]));

    store.commit(connect_request::ask("request_1", "{}", &[4], NOW)).await.unwrap();
    assert_eq!(state(&store).await, ConnectState::AccountChanged);
    assert!(store.left_over_connect_requests(NOW, NOW, 9).await.unwrap().is_empty(), "a person is asked");
    assert_eq!(store.left_over_connect_requests(NOW, NOW + 90 * MINUTE, 9).await.unwrap().len(), 1);
    let complete = |from| connect_request::complete("request_1", from, ConnectState::Connected, "{}", NOW);
    refused(&store, complete(ConnectState::Received)).await;
    store.commit(complete(ConnectState::AccountChanged)).await.unwrap();
    refused(&store, complete(ConnectState::AccountChanged)).await;
    let done = store.connect_request("request_1").await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.received_sealed, done.completed_at),
        (ConnectState::Connected, None, Some(NOW))
    );
}

pub(crate) async fn take_an_answer_once_and_only_their_own(database: Database) {
    let store = database.store().await;
    store.commit(connect_request::insert(&a_request("request_1"))).await.unwrap();
    store.commit(connect_attempt::insert(&an_attempt("attempt_1"))).await.unwrap();
    let take = |user: &str, browser: &str, at| {
        connect_attempt::take("attempt_1", &UserId::from_unverified(user), &digest(browser), at)
    };
    refused(&store, take("user_2", "browser", NOW)).await;
    refused(&store, take("user_1", "another", NOW)).await;
    refused(&store, take("user_1", "browser", NOW + 10 * MINUTE)).await;
    let takes = (0..16).map(|_| take("user_1", "browser", NOW).into());
    assert_eq!(count_successes([store.clone(), database.store().await], takes).await, 1);
}

pub(crate) async fn of_the_past_go_unless_something_was_received(database: Database) {
    let store = database.store().await;
    store.commit(connect_request::insert(&a_request("request_1"))).await.unwrap();
    store.commit(connect_attempt::insert(&an_attempt("attempt_1"))).await.unwrap();
    store.commit(connect_request::exchange("request_1", NOW, NOW)).await.unwrap();
    store.commit(connect_request::receive("request_1", &[3], NOW, NOW + MINUTE)).await.unwrap();
    let empty = ConnectRequestRecord { server: "other".into(), ..a_request("request_2") };
    store.commit(connect_request::insert(&empty)).await.unwrap();
    store.collect_garbage(NOW + 90 * MINUTE).await.unwrap();
    assert!(store.connect_attempt("attempt_1").await.unwrap().is_none());
    assert!(store.connect_request("request_2").await.unwrap().is_none());
    assert_eq!(state(&store).await, ConnectState::Received, "tokens are not forgotten but revoked");
}

pub(crate) async fn up_05_the_first_pin_stays(database: Database) {
    let store = database.store().await;
    let pin = ProviderClientRecord {
        provider: "mcp".into(),
        resource: "https://mcp.test/mcp".into(),
        issuer: "https://as.test".into(),
        registered_sealed: vec![5],
        created_at: NOW,
        expires_at: None,
    };
    store.commit(provider_client::insert(&pin)).await.unwrap();
    let evil =
        ProviderClientRecord { issuer: "https://evil.test".into(), created_at: NOW + MINUTE, ..pin.clone() };
    refused(&store, provider_client::insert(&evil)).await;
    assert_eq!(store.provider_client("mcp").await.unwrap(), Some(pin));
    store.commit(provider_client::replace(&evil, NOW)).await.unwrap();
    refused(&store, provider_client::replace(&evil, NOW)).await;
    assert_eq!(store.provider_client("mcp").await.unwrap(), Some(evil));
    store.commit(provider_client::delete("mcp")).await.unwrap();
    assert_eq!(store.provider_client("mcp").await.unwrap(), None);
}
