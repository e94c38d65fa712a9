//! Reading the log back, page by page.

use audit::{Link, Report, SignedCheckpoint, Verifier};
use oauth::{Timestamp, jws::VerifyingKey};
use store::{AuditCheckpointRecord, AuditEntryRecord, Store};

/// Entries that are read at once.
const PAGE: u32 = 1000;

/// Before everything that was ever recorded.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_milliseconds(i64::MIN);

/// Gives `take` each entry of `node` after `after`, recorded at or after `since`, in the order of the chain.
pub(crate) async fn each_entry(
    store: &Store,
    (node, mut after): (&str, i64),
    since: Timestamp,
    mut take: impl FnMut(AuditEntryRecord) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    loop {
        let page = store.audit_entries(node, after, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.sequence;
        page.into_iter().try_for_each(&mut take)?;
    }
}

/// Verifies the chain of `node`.
pub(crate) async fn report_on(store: &Store, node: &str, keys: &[VerifyingKey]) -> anyhow::Result<Report> {
    // Before the entries: a checkpoint that is signed meanwhile would speak of entries that are not read.
    let checkpoints = store.audit_checkpoints(node).await?;
    let checkpoints: Vec<_> = checkpoints.into_iter().map(signed).collect();
    let mut verifier = Verifier::new(node, &checkpoints, keys);
    each_entry(store, (node, i64::MIN), BEGINNING, |record| {
        verifier.push(&link(record));
        Ok(())
    })
    .await?;
    Ok(verifier.finish())
}

fn signed(record: AuditCheckpointRecord) -> SignedCheckpoint {
    SignedCheckpoint { node: record.node, sequence: record.sequence, jws: record.jws }
}

fn link(record: AuditEntryRecord) -> Link {
    let AuditEntryRecord { node, sequence, previous_hash, hash, entry, at } = record;
    Link { node, sequence, time: at, previous_hash, hash, entry }
}
