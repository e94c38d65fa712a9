//! The audit log: what happened, node by node, and the checkpoints that were signed on the way. There is no
//! statement that changes or deletes either.

use oauth::Timestamp;
use secret::Digest;

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::{ToValue as _, Value, values},
};

/// A row of `audit_segments`: the entries of a node that were committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSegmentRecord {
    /// The node that recorded them.
    pub node: String,
    /// The place of the first among the node's entries; primary key together with `node`.
    pub first_sequence: i64,
    /// The place of the last.
    pub last_sequence: i64,
    /// The hash of the entry before the first.
    pub previous_hash: Digest,
    /// For each entry the hash that stands for it and all before it: 32 bytes.
    pub hashes: Vec<u8>,
    /// The entries, as the texts that were hashed, with a line break between them.
    pub entries: String,
    /// When the last was recorded.
    pub until: Timestamp,
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
    INSERT: "audit_segment.insert" =
        "INSERT INTO audit_segments (node, first_sequence, last_sequence, previous_hash, hashes, entries, until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    INSERT_CHECKPOINT: "audit_segment.insert_checkpoint" =
        "INSERT INTO audit_checkpoints (node, sequence, jws, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    NODES: "audit_segment.nodes" =
        "SELECT node FROM audit_segments UNION SELECT node FROM audit_checkpoints ORDER BY node";
    LAST: "audit_segment.last" =
        "SELECT node, first_sequence, last_sequence, previous_hash, hashes, entries, until FROM audit_segments \
         WHERE node = $1 ORDER BY first_sequence DESC LIMIT 1";
    // The segment that `$2` lies in begins at or before it; the primary key finds it.
    PAGE: "audit_segment.page" =
        "SELECT node, first_sequence, last_sequence, previous_hash, hashes, entries, until FROM audit_segments \
         WHERE node = $1 AND first_sequence >= (SELECT coalesce(max(first_sequence), $2) FROM audit_segments \
                                                WHERE node = $1 AND first_sequence <= $2) \
           AND last_sequence > $2 AND until >= $3 ORDER BY first_sequence LIMIT $4";
    CHECKPOINTS: "audit_segment.checkpoints" =
        "SELECT node, sequence, jws, at FROM audit_checkpoints WHERE node = $1 ORDER BY sequence";
}

/// Adds a segment; refused when there is one that begins at its place. The entries may be some hundred kilobytes: they
/// go into the statement as they are.
pub fn insert(segment: AuditSegmentRecord) -> Statement {
    let parameters = vec![
        Value::Text(segment.node),
        segment.first_sequence.to_value(),
        segment.last_sequence.to_value(),
        segment.previous_hash.to_value(),
        Value::Bytes(segment.hashes),
        Value::Text(segment.entries),
        segment.until.to_value(),
    ];
    Statement { sql: &INSERT, parameters, expect: Expect::Rows(1) }
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
        let node = |row: &mut Row| row.columns_of("audit_segments").next("node");
        self.all(&NODES, values![], node).await
    }

    /// The node's segment with the highest sequence.
    pub async fn last_audit_segment(&self, node: &str) -> Result<Option<AuditSegmentRecord>, StoreError> {
        self.optional(&LAST, values![node], from_row).await
    }

    /// The first `limit` of the node's segments with entries after `sequence`, the last of them recorded at or after
    /// `since`, in the order of their sequence.
    pub async fn audit_segments(
        &self,
        node: &str,
        sequence: i64,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<AuditSegmentRecord>, StoreError> {
        self.all(&PAGE, values![node, sequence, since, i64::from(limit)], from_row).await
    }

    /// All checkpoints of a node, in the order of their sequence.
    pub async fn audit_checkpoints(&self, node: &str) -> Result<Vec<AuditCheckpointRecord>, StoreError> {
        self.all(&CHECKPOINTS, values![node], checkpoint_from_row).await
    }
}

fn from_row(row: &mut Row) -> Result<AuditSegmentRecord, StoreError> {
    let mut columns = row.columns_of("audit_segments");
    Ok(AuditSegmentRecord {
        node: columns.next("node")?,
        first_sequence: columns.next("first_sequence")?,
        last_sequence: columns.next("last_sequence")?,
        previous_hash: columns.next("previous_hash")?,
        hashes: columns.next("hashes")?,
        entries: columns.next("entries")?,
        until: columns.next("until")?,
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
