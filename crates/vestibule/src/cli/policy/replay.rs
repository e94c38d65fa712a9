//! `vestibule policy replay`

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use audit::{Entry, Event, Kind, Verdict};
use client::printable;
use gateway::policy::{
    Arguments as CallArguments, Decision, Memberships, Question, Requester, ServerPolicy, Target,
};
use oauth::{Scope, Timestamp};
use serde::Serialize;

use super::{Told, policy_of};
use crate::{
    audit::reader::{BEGINNING, each_entry},
    cli::{audit::read_since, printing},
    config::{Configuration, Flags},
    storage,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration to decide with.
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    /// Leave out what was recorded before: a time such as 2026-11-20T08:00:00Z, or an age such as 36h.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Decides every recorded call again, and prints those that would end otherwise or that the log cannot decide.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let since = arguments.since.as_deref().map_or(Ok(BEGINNING), read_since)?;
    let current = Configuration::load(&arguments.flags, None)?;
    let with = Flags { config: Some(arguments.with.clone()), ..arguments.flags.clone() };
    let mut replay = Replay::new(Configuration::load(&with, None)?);
    let store = storage::open(&current.storage).await?;
    for node in store.audit_nodes().await? {
        each_entry(&store, (&node, i64::MIN), since, |link| match Entry::parse(&link.entry) {
            Ok(entry) => replay.entry(&entry),
            Err(_) => Ok(()),
        })
        .await?;
    }
    let report = replay.report();
    let mut out = io::stdout().lock();
    if arguments.json {
        printing::json(&mut out, &report)?;
    } else {
        report.differences.iter().try_for_each(|difference| difference.print(&mut out))?;
    }
    let Report { calls, different, open, skipped, .. } = report;
    eprintln!("{calls} calls: {different} would end otherwise, {open} cannot be decided from the log");
    if skipped > 0 {
        eprintln!(
            "{skipped} entries are left out: what a limit refused, and calls whose tool is not recorded"
        );
    }
    Ok(())
}

struct Replay {
    configuration: Configuration,
    policies: BTreeMap<String, Option<ServerPolicy>>,
    seen: BTreeMap<Change, Seen>,
    calls: u64,
    skipped: u64,
}

/// A decision that is another one now; calls that have it in common are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Change {
    user: String,
    client: Option<String>,
    server: String,
    tool: String,
    /// `allowed by scope`
    then: String,
    now: String,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    calls: u64,
    last: Timestamp,
    is_open: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    calls: u64,
    different: u64,
    open: u64,
    skipped: u64,
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    #[serde(flatten)]
    change: Change,
    calls: u64,
    last: String,
}

impl Replay {
    fn new(configuration: Configuration) -> Self {
        Self { configuration, policies: BTreeMap::new(), seen: BTreeMap::new(), calls: 0, skipped: 0 }
    }

    fn entry(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let event = &entry.event;
        if event.kind != Kind::ToolCall {
            return Ok(());
        }
        let (Some(server), Some(tool), Some(then), false) =
            (event.server.as_deref(), &event.tool, &event.decision, event.detail.contains_key("refusals"))
        else {
            self.skipped += 1;
            return Ok(());
        };
        self.calls += 1;
        if !self.policies.contains_key(server) {
            self.policies.insert(server.to_owned(), policy_of(&self.configuration, server)?);
        }
        let now = match self.policies.get(server).and_then(Option::as_ref) {
            Some(policy) => decided(policy, event, tool, entry.time),
            None => {
                Told { verdict: "denied", rule: None, because: Some("there is no such server".to_owned()) }
            }
        };
        let was = if then.verdict == Verdict::Allowed { "allowed" } else { "denied" };
        if was == now.verdict {
            return Ok(());
        }
        let person = event.person.as_ref();
        let change = Change {
            user: person
                .map(|person| person.user_name.clone().unwrap_or(person.subject.clone()))
                .unwrap_or_default(),
            client: event.client_id.as_ref().map(ToString::to_string),
            server: server.to_owned(),
            tool: tool.clone(),
            then: format!("{was} by {}", then.rule),
            now: now.to_string(),
        };
        let first = Seen { calls: 0, last: entry.time, is_open: now.verdict == "open" };
        let seen = self.seen.entry(change).or_insert(first);
        seen.calls += 1;
        seen.last = seen.last.max(entry.time);
        Ok(())
    }

    fn report(self) -> Report {
        let count = |is_open: bool| {
            self.seen.values().filter(|seen| seen.is_open == is_open).map(|seen| seen.calls).sum()
        };
        let (different, open) = (count(false), count(true));
        let difference = |(change, seen): (Change, Seen)| Difference {
            change,
            calls: seen.calls,
            last: crate::cli::audit::written(seen.last).unwrap_or_default(),
        };
        Report {
            calls: self.calls,
            different,
            open,
            skipped: self.skipped,
            differences: self.seen.into_iter().map(difference).collect(),
        }
    }
}

/// What the policy says about a recorded call. Arguments and annotations are not in the log.
fn decided(policy: &ServerPolicy, event: &Event, tool: &str, now: Timestamp) -> Told {
    let Some(requester) = requester(event) else {
        return Told::of(&Decision::Open("default", "who it was, which the log does not say"));
    };
    let target = Target::Tool { name: tool, annotations: None };
    let arguments = CallArguments::Unknown;
    Told::of(&policy.decide(&Question { requester: &requester, target, arguments, now }))
}

fn requester(event: &Event) -> Option<Requester<'_>> {
    let person = event.person.as_ref()?;
    // A text that was too long for the log ends in the middle.
    let scope = event.detail.get("scope").filter(|text| !text.ends_with('…'));
    let scope = scope.and_then(|text| Scope::parse(text).ok());
    let names = |key| event.detail.get(key).map_or(Some(Vec::new()), |text| serde_json::from_str(text).ok());
    // Entries that say nothing of the scope are older than those that say what somebody is.
    let memberships = scope.as_ref().and_then(|_| {
        Some(Memberships { roles: Cow::Owned(names("roles")?), groups: Cow::Owned(names("groups")?) })
    });
    Some(Requester {
        issuer: person.issuer.as_str().into(),
        subject: person.subject.as_str().into(),
        user_name: person.user_name.as_deref().map(Cow::Borrowed),
        client_id: event.client_id.as_ref().map(|client_id| client_id.as_str().into()),
        scope: scope.map(Cow::Owned),
        memberships,
    })
}

impl std::fmt::Display for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.verdict)?;
        if let Some(rule) = &self.rule {
            write!(formatter, " by {rule}")?;
        }
        self.because.as_ref().map_or(Ok(()), |because| write!(formatter, ": {because}"))
    }
}

impl Difference {
    /// `3 calls, last 2026-…: ada with client_1, files/delete: allowed by scope -> denied by no deletes`
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { change: Change { user, client, server, tool, then, now }, calls, last } = self;
        let client = client.as_deref().map(|client| format!(" with {client}")).unwrap_or_default();
        let times = if *calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
        let line = format!("{times}, last {last}: {user}{client}, {server}/{tool}: {then} -> {now}");
        writeln!(out, "{}", printable(&line))
    }
}
