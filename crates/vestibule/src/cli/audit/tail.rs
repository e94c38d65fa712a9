//! `vestibule audit tail`

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    time::Duration,
};

use audit::{Entry, Event, Link};
use client::printable;
use serde::Serialize;
use store::Store;
use tokio::time::sleep;

use super::{open, written};
use crate::{
    audit::reader::{BEGINNING, each_entry, head},
    config::Flags,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many entries to show.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    lines: u32,
    /// Go on with what is recorded from now on.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    flags: Flags,
}

const INTERVAL: Duration = Duration::from_millis(500);

/// Shows the last entries of all nodes in the order of their time.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, store) = open(&arguments.flags).await?;
    let mut seen = BTreeMap::new();
    for node in store.audit_nodes().await? {
        let last = head(&store, &node).await?.sequence;
        seen.insert(node, last - i64::from(arguments.lines));
    }
    let entries = unseen(&store, &mut seen).await?;
    let surplus = entries.len().saturating_sub(arguments.lines as usize);
    show(&entries[surplus..])?;
    if !arguments.follow {
        return Ok(());
    }
    loop {
        sleep(INTERVAL).await;
        show(&unseen(&store, &mut seen).await?)?;
    }
}

/// What came since the last time, node by node, in the order of its time.
async fn unseen(store: &Store, seen: &mut BTreeMap<String, i64>) -> anyhow::Result<Vec<Link>> {
    let mut entries = Vec::new();
    for node in store.audit_nodes().await? {
        let after = seen.entry(node.clone()).or_insert(0);
        each_entry(store, (&node, *after), BEGINNING, |link| {
            *seen.entry(node.clone()).or_insert(0) = link.sequence;
            entries.push(link);
            Ok(())
        })
        .await?;
    }
    entries.sort_by_key(|link| link.time);
    Ok(entries)
}

fn show(entries: &[Link]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for link in entries {
        let said =
            Entry::parse(&link.entry).map_or_else(|_| "unreadable".to_owned(), |entry| line(&entry.event));
        let (at, node) = (written(link.time)?, printable(&link.node));
        writeln!(out, "{at} {node}#{} {}", link.sequence, printable(&said))?;
    }
    Ok(())
}

/// `tool_call succeeded user=ada client=client_1 tool=demo/get_data decision=allowed by scope 12 ms`
fn line(event: &Event) -> String {
    let mut words = vec![name(&event.kind), name(&event.outcome)];
    if let Some(person) = &event.person {
        words.push(format!("user={}", person.user_name.as_deref().unwrap_or(&person.subject)));
    }
    if let Some(client_id) = &event.client_id {
        words.push(format!("client={client_id}"));
    }
    if let (Some(server), Some(tool)) = (&event.server, &event.tool) {
        words.push(format!("tool={server}/{tool}"));
    }
    if let Some(account) = &event.account {
        words.push(format!("account={account}"));
    }
    if let Some(decision) = &event.decision {
        words.push(format!("decision={} by {}", name(&decision.verdict), decision.rule));
    }
    words.extend(event.detail.iter().map(|(name, value)| format!("{name}={value:?}")));
    if let Some(milliseconds) = event.duration_ms {
        words.push(format!("{milliseconds} ms"));
    }
    words.join(" ")
}

/// A name as it stands in the entry.
fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use audit::{Kind, Outcome, Person, Verdict};
    use oauth::{ClientId, Issuer};

    use super::*;

    #[test]
    fn an_entry_is_a_line() {
        let event = Event::new(Kind::ToolCall, Outcome::Succeeded)
            .person(Person::new(&Issuer::parse("https://v.test").unwrap(), "user_1", Some("ada")))
            .client(&ClientId::from_unverified("client_1"))
            .server("demo")
            .tool("get_data")
            .decision(Verdict::Allowed, "scope")
            .duration(Duration::from_millis(12));
        assert_eq!(
            line(&event),
            "tool_call succeeded user=ada client=client_1 tool=demo/get_data decision=allowed by scope 12 ms"
        );
        let event = Event::new(Kind::SignIn, Outcome::Refused).detail("peer", "a\nb");
        assert_eq!(line(&event), "sign_in refused peer=\"a\\nb\"");
    }
}
