//! Reading the log back, page by page.

use audit::{Head, Link, Report, Segment, SignedCheckpoint, Verifier};
use oauth::{Timestamp, jws::VerifyingKey};
use store::{AuditCheckpointRecord, AuditSegmentRecord, Store, StoreError};

/// Segments that are read at once.
const PAGE: u32 = 16;

/// Before everything that was ever recorded.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_milliseconds(i64::MIN);

/// Gives `take` each entry of `node` after `after`, recorded at or after `since`, in the order of the chain.
pub(crate) async fn each_entry(
    store: &Store,
    (node, mut after): (&str, i64),
    since: Timestamp,
    mut take: impl FnMut(Link) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    loop {
        let page = store.audit_segments(node, after, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        let read_to = last.last_sequence;
        let links = page.into_iter().flat_map(|record| segment(record).links().collect::<Vec<_>>());
        links.filter(|link| link.sequence > after && link.time >= since).try_for_each(&mut take)?;
        after = read_to;
    }
}

/// How far the chain of `node` is.
pub(crate) async fn head(store: &Store, node: &str) -> Result<Head, StoreError> {
    let last = store.last_audit_segment(node).await?.and_then(|record| segment(record).links().last());
    Ok(last.map_or_else(Head::default, |link| Head { sequence: link.sequence, hash: link.hash }))
}

/// Verifies the chain of `node`.
pub(crate) async fn report_on(store: &Store, node: &str, keys: &[VerifyingKey]) -> anyhow::Result<Report> {
    // Before the entries: a checkpoint that is signed meanwhile would speak of entries that are not read.
    let checkpoints = store.audit_checkpoints(node).await?;
    let checkpoints: Vec<_> = checkpoints.into_iter().map(signed).collect();
    let mut verifier = Verifier::new(node, &checkpoints, keys);
    each_entry(store, (node, i64::MIN), BEGINNING, |link| {
        verifier.push(&link);
        Ok(())
    })
    .await?;
    Ok(verifier.finish())
}

fn signed(record: AuditCheckpointRecord) -> SignedCheckpoint {
    SignedCheckpoint { node: record.node, sequence: record.sequence, jws: record.jws }
}

fn segment(record: AuditSegmentRecord) -> Segment {
    let AuditSegmentRecord { node, first_sequence, last_sequence, previous_hash, hashes, entries, until } =
        record;
    Segment { node, first: first_sequence, last: last_sequence, previous_hash, hashes, entries, until }
}
