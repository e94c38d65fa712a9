//! At most one success, however many try at once, over two nodes of one process.

use std::collections::HashSet;

use futures_util::future::join_all;
use store::{
    Batch, CommitError, RefreshTokenRecord, SigningKeyRecord, Store, access_key, authorization_code,
    refresh_token, signing_key, user,
};

use crate::{
    database::Database,
    records::a_signing_key,
    world::{MINUTE, NOW, a_code, a_refresh_token, a_user, an_access_key, digest, populate},
};

/// Commits all batches at once, from two nodes by turns, and counts the successes. Whatever else happens
/// must be a refusal.
pub(crate) async fn count_successes(nodes: [Store; 2], batches: impl Iterator<Item = Batch>) -> usize {
    let commits = batches.enumerate().map(|(number, batch)| {
        let store = nodes[number % 2].clone();
        tokio::spawn(async move { store.commit(batch).await })
    });
    let commits: Vec<_> = commits.collect();
    let mut successes = 0;
    for answer in join_all(commits).await {
        match answer.unwrap() {
            Ok(()) => successes += 1,
            Err(CommitError::Refused(_)) => {}
            Err(CommitError::Store(error)) => panic!("{error}"),
        }
    }
    successes
}

pub(crate) fn redemption(_: usize) -> Batch {
    authorization_code::redeem(&a_code().digest, NOW).into()
}

/// Each attempt with a successor of its own, as real requests have.
pub(crate) fn rotation(number: usize) -> Batch {
    let successor = RefreshTokenRecord {
        digest: digest(&format!("successor {number} of process {}", std::process::id())),
        generation: 1,
        ..a_refresh_token()
    };
    Batch::new()
        .then(refresh_token::rotate(&a_refresh_token().digest, 0, NOW, &successor.digest, b"sealed"))
        .then(refresh_token::insert(&successor))
}

pub(crate) async fn one_code_is_redeemed_once(database: Database) {
    let nodes = [database.store().await, database.open()];
    populate(&nodes[0]).await;
    assert_eq!(count_successes(nodes, (0..64).map(redemption)).await, 1);
}

pub(crate) async fn one_refresh_token_is_rotated_once(database: Database) {
    let nodes = [database.store().await, database.open()];
    populate(&nodes[0]).await;
    assert_eq!(count_successes(nodes.clone(), (0..64).map(rotation)).await, 1);
    let winner = nodes[1].refresh_token(&a_refresh_token().digest).await.unwrap().unwrap();
    let successor = winner.token.successor_digest.unwrap();
    assert!(nodes[0].refresh_token(&successor).await.unwrap().is_some(), "the winner's successor is stored");
}

pub(crate) async fn nodes_agree_on_the_signing_key(database: Database) {
    let nodes = [database.store().await, database.open()];
    let offers = (0..16).map(|number| {
        let key = SigningKeyRecord { kid: format!("key {number}"), ..a_signing_key() };
        Batch::from(signing_key::insert_first(&key))
    });
    assert_eq!(count_successes(nodes.clone(), offers).await, 1);
    assert_eq!(nodes[0].signing_keys().await.unwrap().len(), 1);
}

pub(crate) async fn demo_items_get_different_ids(database: Database) {
    let nodes = [database.store().await, database.open()];
    let insertions = (0..32).map(|number| {
        let store = nodes[number % 2].clone();
        tokio::spawn(async move {
            store.seed_demo_items("ada", NOW).await.unwrap();
            store.insert_demo_item("ada", "item", "1", NOW).await.unwrap().id
        })
    });
    let insertions: Vec<_> = insertions.collect();
    let ids: HashSet<i64> = join_all(insertions).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids, (4..36).collect());
}

pub(crate) async fn one_signature_is_used_once(database: Database) {
    let nodes = [database.store().await, database.open()];
    let batch = Batch::new().then(user::insert(&a_user())).then(access_key::insert(&an_access_key()));
    nodes[0].commit(batch).await.unwrap();
    let uses = (0..16).map(|_| access_key::use_signature("VSTK1", &digest("signature"), NOW + MINUTE, NOW));
    assert_eq!(count_successes(nodes, uses.map(Batch::from)).await, 1);
}
