//! The audit log: rows that are only added, read in pages.

use std::time::Duration;

use oauth::Timestamp;
use store::{
    AuditCheckpointRecord, AuditEntryRecord, Batch, CommitError,
    audit_entry::{insert, insert_checkpoint},
};

use crate::{
    database::Database,
    world::{MINUTE, NOW, digest},
};

fn entry(node: &str, sequence: i64, at: Timestamp) -> AuditEntryRecord {
    AuditEntryRecord {
        node: node.to_owned(),
        sequence,
        previous_hash: digest("before"),
        hash: digest("after"),
        entry: format!("{{\"node\":\"{node}\",\"sequence\":{sequence}}} ✓"),
        at,
    }
}

pub(crate) async fn entries_are_read_in_pages(database: Database) {
    let store = database.store().await;
    let one: Vec<_> = (1..=5).map(|n| entry("one", n, NOW + MINUTE * u32::try_from(n).unwrap())).collect();
    let other = entry("other", 1, NOW);
    let batch: Batch = one.iter().rev().chain([&other]).map(insert).collect();
    store.commit(batch).await.unwrap();

    assert_eq!(store.audit_nodes().await.unwrap(), ["one", "other"]);
    let page = async |node, after, since| store.audit_entries(node, after, since, 2).await.unwrap();
    assert_eq!(page("one", 0, NOW).await, one[..2]);
    assert_eq!(page("one", 2, NOW).await, one[2..4]);
    assert_eq!(page("one", 4, NOW).await, one[4..]);
    assert_eq!(page("one", 0, NOW + 4 * MINUTE).await, one[3..]);
    assert_eq!(page("other", 0, NOW).await, [other]);
    assert_eq!(store.last_audit_entry("one").await.unwrap().as_ref(), one.last());
    assert_eq!(store.last_audit_entry("nobody").await.unwrap(), None);
}

pub(crate) async fn a_place_is_taken_once(database: Database) {
    let store = database.store().await;
    store.commit(insert(&entry("one", 1, NOW))).await.unwrap();
    let other = AuditEntryRecord { entry: "{}".into(), ..entry("one", 1, NOW) };
    let batch = Batch::new().then(insert(&entry("one", 2, NOW))).then(insert(&other));
    assert_eq!(store.commit(batch).await, Err(CommitError::Refused("audit_entry.insert")));
    assert_eq!(store.audit_entries("one", 0, NOW, 9).await.unwrap(), [entry("one", 1, NOW)]);
}

pub(crate) async fn checkpoints(database: Database) {
    let store = database.store().await;
    let checkpoint = |sequence, jws: &str| AuditCheckpointRecord {
        node: "one".into(),
        sequence,
        jws: jws.into(),
        at: NOW,
    };
    for record in [checkpoint(9, "b"), checkpoint(3, "a"), checkpoint(9, "later")] {
        store.commit(insert_checkpoint(&record)).await.unwrap();
    }
    let all = store.audit_checkpoints("one").await.unwrap();
    assert_eq!(all, [checkpoint(3, "a"), checkpoint(9, "b")], "the first one of an entry stays");
    assert_eq!(store.audit_nodes().await.unwrap(), ["one"], "entries that were cut off leave a trace");
}

pub(crate) async fn is_no_garbage(database: Database) {
    let store = database.store().await;
    store.commit(insert(&entry("one", 1, NOW))).await.unwrap();
    store.collect_garbage(NOW + Duration::from_hours(100_000)).await.unwrap();
    assert_eq!(store.audit_entries("one", 0, NOW, 9).await.unwrap().len(), 1);
}
