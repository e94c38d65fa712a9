use futures_util::future::join_all;
use store::{StoreError, user};

use crate::{database::Database, world::a_user};

pub(crate) async fn are_idempotent(database: Database) {
    let store = database.store().await;
    store.commit(user::insert(&a_user())).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(database.store().await.users().await.unwrap(), [a_user()]);
}

pub(crate) async fn may_run_at_once(database: Database) {
    let nodes: Vec<_> = (0..8).map(|_| database.open()).collect();
    let migrations = nodes.into_iter().map(|node| tokio::spawn(async move { node.migrate().await }));
    for migrated in join_all(migrations).await {
        migrated.unwrap().unwrap();
    }
    database.open().ready().await.unwrap();
}

pub(crate) async fn of_a_newer_version_are_refused(database: Database) {
    let store = database.store().await;
    database.execute("INSERT INTO migrations (name) VALUES ('9999_future')").await;
    let refused = database.open().migrate().await;
    assert_eq!(refused, Err(StoreError::NewerSchema { migration: "9999_future".into() }));
    store.ready().await.expect("a node that runs already goes on while the newer one starts");
}

pub(crate) async fn decide_readiness(database: Database) {
    let store = database.open();
    assert!(matches!(store.ready().await, Err(StoreError::NotMigrated { .. })));
    store.migrate().await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
}
