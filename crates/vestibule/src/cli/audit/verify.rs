//! `vestibule audit verify`

use std::io;

use audit::Report;
use oauth::jws::VerifyingKey;

use super::open;
use crate::{
    audit::reader::report_on,
    cli::{exit::Stop, printing},
    config::Flags,
    entropy::SystemEntropy,
    keyring,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Fails when any chain is not sound. Works while the server runs: what comes after the question is not looked at.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (configuration, store) = open(&arguments.flags).await?;
    let keyring = keyring::open(&configuration.storage.data_dir, &store, &SystemEntropy::new()).await?;
    let keys = authorization_server::trusted_keys(&store, &keyring).await?;
    let keys: Vec<_> = keys.keys.iter().filter_map(VerifyingKey::from_jwk).collect();
    let mut reports = Vec::new();
    for node in store.audit_nodes().await? {
        reports.push(report_on(&store, &node, &keys).await?);
    }
    if arguments.json {
        printing::json(&mut io::stdout().lock(), &reports)?;
    } else {
        let mut out = io::stdout().lock();
        reports.iter().try_for_each(|report| print(&mut out, report))?;
    }
    let faults: usize = reports.iter().map(|report| report.faults.len()).sum();
    if faults == 0 {
        return Ok(());
    }
    let first = reports.iter().find_map(|report| Some((&report.node, report.faults.first()?)));
    let named = first.map(|(node, fault)| format!("{node}: {fault}")).unwrap_or_default();
    Err(Stop::failure(format!("the audit log is not what was written: {named}"))
        .hint("whoever can write to the database can do this; compare with a backup or an export")
        .into())
}

fn print(out: &mut dyn io::Write, report: &Report) -> io::Result<()> {
    let Report { node, entries, verified_to, signed_to, faults } = report;
    let node = client::printable(node);
    let noun = if *entries == 1 { "entry" } else { "entries" };
    writeln!(out, "{node}: {entries} {noun}, unbroken to {verified_to}, signed to {signed_to}")?;
    faults.iter().try_for_each(|fault| writeln!(out, "  {}", client::printable(&fault.to_string())))
}
