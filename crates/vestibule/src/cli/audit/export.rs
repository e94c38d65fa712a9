//! `vestibule audit export`

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{open, read_since};
use crate::{
    audit::reader::{BEGINNING, each_entry},
    config::Flags,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Leave out what was recorded before: a time such as 2026-11-20T08:00:00Z, or an age such as 36h.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

/// One line: the entry exactly as it was hashed, and its hashes (base64url).
#[derive(Serialize)]
struct Line<'a> {
    entry: &'a RawValue,
    hash: String,
    previous_hash: String,
}

/// One line: a signed text that says how far the chain was. A copy of it elsewhere proves a later cut.
#[derive(Serialize)]
struct CheckpointLine<'a> {
    checkpoint: &'a str,
}

/// Writes every entry, node by node, in the order of the chain, and each node's checkpoints after its entries.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let since = arguments.since.as_deref().map_or(Ok(BEGINNING), read_since)?;
    let (_, store) = open(&arguments.flags).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for node in store.audit_nodes().await? {
        each_entry(&store, (&node, i64::MIN), since, |link| {
            let entry: &RawValue = serde_json::from_str(&link.entry)?;
            let (hash, previous_hash) = (link.hash.to_base64url(), link.previous_hash.to_base64url());
            serde_json::to_writer(&mut out, &Line { entry, hash, previous_hash })?;
            Ok(writeln!(out)?)
        })
        .await?;
        for record in store.audit_checkpoints(&node).await?.iter().filter(|record| record.at >= since) {
            serde_json::to_writer(&mut out, &CheckpointLine { checkpoint: &record.jws })?;
            writeln!(out)?;
        }
    }
    Ok(out.flush()?)
}
