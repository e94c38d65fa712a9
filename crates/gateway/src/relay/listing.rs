//! What a server says that it offers: lists, with what the policy lists of them, and instructions; all of it reviewed.

use std::borrow::Cow;
use std::sync::Arc;

use guard::Permit;
use mcp::json::{Object, string};
use oauth::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use super::RelayEndpoint;
use super::passage::only;
use crate::policy::{Annotations, Arguments, Question, Requester, ServerPolicy, Target};
use crate::review::{Entry, Reviewed, Reviewer};
use crate::upstream::remote::KnownParameters;
use crate::upstream::remote::annotations::KnownAnnotations;

/// What a list is held against.
pub(super) struct Listing {
    kind: Kind,
    reviewer: Arc<Reviewer>,
    policy: Arc<ServerPolicy>,
    requester: Requester<'static>,
    now: Timestamp,
    known: KnownAnnotations,
    parameters: KnownParameters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
    /// No list: how the server is to be used.
    Instructions,
}

impl Kind {
    fn of(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::Templates),
            "server/discover" => Some(Self::Instructions),
            _ => None,
        }
    }

    fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Instructions => "instructions",
        }
    }

    fn called(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts | Self::Instructions => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }
}

impl Listing {
    /// For the answer to a list that `permit` asks for; `None` when it passes as it is.
    pub(super) fn of(endpoint: &RelayEndpoint, permit: &Permit, method: &str) -> Option<Self> {
        if endpoint.remote.is_virtual() {
            return None;
        }
        let policy = &endpoint.gate.policy;
        let kind = Kind::of(method)?;
        Some(Self {
            kind,
            reviewer: endpoint.reviewer.clone(),
            policy: policy.clone(),
            requester: Requester::from(permit).into_owned(),
            now: endpoint.front.clock.now(),
            known: endpoint.remote.annotations().clone(),
            parameters: endpoint.remote.parameters().clone(),
        })
    }

    /// The member of the result that holds the list.
    pub(super) fn member(&self) -> &'static str {
        self.kind.member()
    }

    /// Whether others may see another list.
    pub(super) fn is_personal(&self) -> bool {
        self.kind == Kind::Tools || self.kind != Kind::Instructions && !self.policy.is_the_same_for_all()
    }

    /// What becomes of the member: what the policy lists and the review lets pass, each entry as it came unless it has to
    /// be another one. `None` for a list or a name that is there twice, which could be read in two ways.
    pub(super) fn reviewed(&self, result: &Object<'_>) -> Option<Reviewed> {
        if self.kind == Kind::Instructions && result.get(self.member()).is_none() {
            return Some(Reviewed::AsItCame);
        }
        let member = only(result, self.member())?;
        if self.kind == Kind::Instructions {
            return Some(self.reviewer.instructions(member));
        }
        let entries: Vec<&RawValue> = serde_json::from_str(member.get()).ok()?;
        let (mut listed, mut is_changed) = (Vec::with_capacity(entries.len()), false);
        for entry in entries {
            match self.entry(entry) {
                Reviewed::AsItCame => listed.push(Cow::Borrowed(entry)),
                Reviewed::Changed(changed) => {
                    is_changed = true;
                    listed.push(Cow::Owned(changed));
                }
                Reviewed::Withheld => is_changed = true,
            }
        }
        if !is_changed {
            return Some(Reviewed::AsItCame);
        }
        let listed: Vec<&RawValue> = listed.iter().map(AsRef::as_ref).collect();
        Some(Reviewed::Changed(to_raw_value(&listed).expect("raw values cannot fail to serialise")))
    }

    fn entry(&self, raw: &RawValue) -> Reviewed {
        let Ok(entry) = Object::read(raw.get(), &[self.kind.called()]) else { return Reviewed::Withheld };
        let Some(name) = only(&entry, self.kind.called()).and_then(string) else { return Reviewed::Withheld };
        let (target, kind) = match self.kind {
            Kind::Tools => {
                self.parameters.keep(&name, &entry);
                let annotations = Some(self.annotations(&name, &entry));
                (Target::Tool { name: &name, annotations }, Entry::Tool)
            }
            Kind::Prompts => (Target::Prompt(&name), Entry::Prompt),
            Kind::Resources | Kind::Templates | Kind::Instructions => {
                (Target::Resource(&name), Entry::Resource)
            }
        };
        let arguments = Arguments::Unknown;
        if !self.policy.lists(&Question { requester: &self.requester, target, arguments, now: self.now }) {
            return Reviewed::Withheld;
        }
        self.reviewer.entry(kind, &name, raw)
    }

    /// What the server says about its tool; kept for the calls that follow.
    fn annotations(&self, name: &str, tool: &Object<'_>) -> Annotations {
        if !self.policy.looks_at_annotations() {
            return Annotations::default();
        }
        let annotations = Annotations::read(only(tool, "annotations"));
        self.known.keep(name, annotations);
        annotations
    }
}
