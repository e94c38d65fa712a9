//! The audit log: what happened, node by node, and the checkpoints that were signed on the way. There is no
//! statement that changes or deletes either.

use oauth::Timestamp;
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `audit_entries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntryRecord {
    /// The node that recorded it.
    pub node: String,
    /// Its place among the node's entries; primary key together with `node`.
    pub sequence: i64,
    /// The hash of the entry before.
    pub previous_hash: Digest,
    /// The hash that stands for this entry and all before it.
    pub hash: Digest,
    /// The entry, as the text that was hashed.
    pub entry: String,
    /// When it was recorded.
    pub at: Timestamp,
}

/// A row of `audit_checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheckpointRecord {
    /// Whose entries it is about.
    pub node: String,
    /// The last entry it is about; primary key together with `node`.
    pub sequence: i64,
    /// The signed text.
    pub jws: String,
    /// When it was signed.
    pub at: Timestamp,
}

sql! {
    INSERT: "audit_entry.insert" =
        "INSERT INTO audit_entries (node, sequence, previous_hash, hash, entry, at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    INSERT_CHECKPOINT: "audit_entry.insert_checkpoint" =
        "INSERT INTO audit_checkpoints (node, sequence, jws, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    NODES: "audit_entry.nodes" =
        "SELECT node FROM audit_entries UNION SELECT node FROM audit_checkpoints ORDER BY node";
    LAST: "audit_entry.last" =
        "SELECT node, sequence, previous_hash, hash, entry, at FROM audit_entries WHERE node = $1 \
         ORDER BY sequence DESC LIMIT 1";
    PAGE: "audit_entry.page" =
        "SELECT node, sequence, previous_hash, hash, entry, at FROM audit_entries \
         WHERE node = $1 AND sequence > $2 AND at >= $3 ORDER BY sequence LIMIT $4";
    CHECKPOINTS: "audit_entry.checkpoints" =
        "SELECT node, sequence, jws, at FROM audit_checkpoints WHERE node = $1 ORDER BY sequence";
}

/// Adds an entry; refused when there is one at its place.
pub fn insert(entry: &AuditEntryRecord) -> Statement {
    statement!(INSERT [
        entry.node, entry.sequence, entry.previous_hash, entry.hash, entry.entry, entry.at,
    ] expecting Expect::Rows(1))
}

/// Adds a checkpoint; the first one of an entry stays.
pub fn insert_checkpoint(checkpoint: &AuditCheckpointRecord) -> Statement {
    statement!(INSERT_CHECKPOINT [
        checkpoint.node, checkpoint.sequence, checkpoint.jws, checkpoint.at,
    ] expecting Expect::Any)
}

impl Store {
    /// Every node that left an entry or a checkpoint, in the order of their names.
    pub async fn audit_nodes(&self) -> Result<Vec<String>, StoreError> {
        let node = |row: &mut Row| row.columns_of("audit_entries").next("node");
        self.all(&NODES, values![], node).await
    }

    /// The node's entry with the highest sequence.
    pub async fn last_audit_entry(&self, node: &str) -> Result<Option<AuditEntryRecord>, StoreError> {
        self.optional(&LAST, values![node], from_row).await
    }

    /// The first `limit` of the node's entries after `sequence` that were recorded at or after `since`, in the order
    /// of their sequence.
    pub async fn audit_entries(
        &self,
        node: &str,
        sequence: i64,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<AuditEntryRecord>, StoreError> {
        self.all(&PAGE, values![node, sequence, since, i64::from(limit)], from_row).await
    }

    /// All checkpoints of a node, in the order of their sequence.
    pub async fn audit_checkpoints(&self, node: &str) -> Result<Vec<AuditCheckpointRecord>, StoreError> {
        self.all(&CHECKPOINTS, values![node], checkpoint_from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<AuditEntryRecord, StoreError> {
    let mut columns = row.columns_of("audit_entries");
    Ok(AuditEntryRecord {
        node: columns.next("node")?,
        sequence: columns.next("sequence")?,
        previous_hash: columns.next("previous_hash")?,
        hash: columns.next("hash")?,
        entry: columns.next("entry")?,
        at: columns.next("at")?,
    })
}

fn checkpoint_from_row(row: &mut Row) -> Result<AuditCheckpointRecord, StoreError> {
    let mut columns = row.columns_of("audit_checkpoints");
    Ok(AuditCheckpointRecord {
        node: columns.next("node")?,
        sequence: columns.next("sequence")?,
        jws: columns.next("jws")?,
        at: columns.next("at")?,
    })
}
