//! The audit log: rows that are only added, read in pages.

use std::time::Duration;

use oauth::Timestamp;
use store::{
    AuditCheckpointRecord, AuditSegmentRecord, Batch, CommitError,
    audit_segment::{insert, insert_checkpoint},
};

use crate::{
    database::Database,
    world::{MINUTE, NOW, digest},
};

/// The entries `first` to `last` of a node.
fn segment(node: &str, first: i64, last: i64, until: Timestamp) -> AuditSegmentRecord {
    AuditSegmentRecord {
        node: node.to_owned(),
        first_sequence: first,
        last_sequence: last,
        previous_hash: digest("before"),
        hashes: vec![7; 32 * usize::try_from(last - first + 1).unwrap()],
        entries: (first..=last).map(|n| format!("{{\"sequence\":{n}}} ✓")).collect::<Vec<_>>().join("\n"),
        until,
    }
}

fn entry(node: &str, sequence: i64, at: Timestamp) -> AuditSegmentRecord {
    segment(node, sequence, sequence, at)
}

pub(crate) async fn entries_are_read_in_pages(database: Database) {
    let store = database.store().await;
    let one: Vec<_> = (0..5)
        .map(|n| segment("one", 3 * n + 1, 3 * n + 3, NOW + MINUTE * u32::try_from(n).unwrap()))
        .collect();
    let other = entry("other", 1, NOW);
    let batch: Batch = one.iter().rev().chain([&other]).cloned().map(insert).collect();
    store.commit(batch).await.unwrap();

    assert_eq!(store.audit_nodes().await.unwrap(), ["one", "other"]);
    let page = async |node, after, since| store.audit_segments(node, after, since, 2).await.unwrap();
    assert_eq!(page("one", i64::MIN, NOW).await, one[..2]);
    assert_eq!(page("one", 0, NOW).await, one[..2]);
    assert_eq!(page("one", 5, NOW).await, one[1..3], "with the segment that 6 is in");
    assert_eq!(page("one", 6, NOW).await, one[2..4]);
    assert_eq!(page("one", 12, NOW).await, one[4..]);
    assert_eq!(page("one", 15, NOW).await, []);
    assert_eq!(page("one", 0, NOW + 3 * MINUTE).await, one[3..]);
    assert_eq!(page("other", 0, NOW).await, [other]);
    assert_eq!(store.last_audit_segment("one").await.unwrap().as_ref(), one.last());
    assert_eq!(store.last_audit_segment("nobody").await.unwrap(), None);
}

pub(crate) async fn a_place_is_taken_once(database: Database) {
    let store = database.store().await;
    store.commit(insert(entry("one", 1, NOW))).await.unwrap();
    let other = AuditSegmentRecord { entries: "{}".into(), ..segment("one", 1, 2, NOW) };
    let batch = Batch::new().then(insert(entry("one", 3, NOW))).then(insert(other));
    assert_eq!(store.commit(batch).await, Err(CommitError::Refused("audit_segment.insert")));
    assert_eq!(store.audit_segments("one", 0, NOW, 9).await.unwrap(), [entry("one", 1, NOW)]);
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
    store.commit(insert(entry("one", 1, NOW))).await.unwrap();
    store.collect_garbage(NOW + Duration::from_hours(100_000)).await.unwrap();
    assert_eq!(store.audit_segments("one", 0, NOW, 9).await.unwrap().len(), 1);
}
