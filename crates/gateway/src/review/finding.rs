//! What a review finds, told to the operator once.

use std::sync::Arc;

use audit::{Event, Kind, Outcome, Verdict};
use secret::Digest;
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use crate::lock::Judgement;
use crate::settings::Front;
use crate::upstream::remote::Remote;
use crate::visible::written_out;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// A name with something hidden in it; it is left out.
    HiddenInName,
    /// A text with something hidden in it.
    Hidden,
    /// A text that was cut.
    Cut,
    /// The lock has not approved it.
    NotApproved { judgement: Judgement, is_withheld: bool },
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::HiddenInName => "hidden characters in its name",
            Self::Hidden => "hidden characters",
            Self::Cut => "too long",
            Self::NotApproved { judgement, .. } => judgement.word(),
        }
    }

    fn is_withheld(self) -> bool {
        matches!(self, Self::HiddenInName | Self::NotApproved { is_withheld: true, .. })
    }
}

/// Tells what was found at the thing called `name`, unless it was told before of the same text.
pub(super) fn tell(
    front: &Arc<Front>,
    remote: &Arc<Remote>,
    (thing, name): (&'static str, &str),
    finding: Finding,
    raw: &RawValue,
) {
    let key = format!("{thing}\n{name}\n{finding:?}\n{}", raw.get());
    if !remote.said().is_new(Digest::of(key.as_bytes())) {
        return;
    }
    let (server, name, found) = (remote.name(), written_out(name), finding.word());
    match finding {
        Finding::NotApproved { is_withheld: true, .. } => {
            tracing::warn!(
                server,
                thing,
                name,
                found,
                "quarantined: a definition is not the approved one; see `vestibule lock diff`"
            );
        }
        Finding::NotApproved { .. } => {
            tracing::warn!(
                server,
                thing,
                name,
                found,
                "a definition is not the approved one; see `vestibule lock diff`"
            );
        }
        Finding::HiddenInName => tracing::warn!(server, thing, name, found, "left out of a list"),
        Finding::Hidden | Finding::Cut => {
            tracing::warn!(server, thing, name, found, "a definition was changed");
        }
    }
    let verdict = if finding.is_withheld() { Verdict::Denied } else { Verdict::Allowed };
    let outcome = if finding.is_withheld() { Outcome::Refused } else { Outcome::Succeeded };
    let event =
        Event::new(Kind::Definition, outcome).server(server).decision(verdict, found).detail("thing", thing);
    let event = if thing == "tool" { event.tool(&name) } else { event.detail("name", &name) };
    let (front, server) = (front.clone(), server.to_owned());
    // Lists wait for no audit log; without a runtime nobody is left to be told anything.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        match front.auditor.reserve().await {
            Ok(place) => place.record(event),
            Err(error) => {
                tracing::warn!(server, %error, "a finding about a definition is not in the audit log");
            }
        }
    });
}
