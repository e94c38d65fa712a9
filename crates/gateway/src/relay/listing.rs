//! Lists of a server, with what the policy lists of them.

use std::sync::Arc;

use guard::Permit;
use mcp::json::{Object, string};
use oauth::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use super::RelayEndpoint;
use super::passage::only;
use crate::policy::{Annotations, Arguments, Question, Requester, ServerPolicy, Target};
use crate::upstream::remote::annotations::KnownAnnotations;

/// What a list is held against.
pub(super) struct Listing {
    kind: Kind,
    policy: Arc<ServerPolicy>,
    requester: Requester<'static>,
    now: Timestamp,
    known: KnownAnnotations,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl Kind {
    fn of(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::Templates),
            _ => None,
        }
    }

    fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    fn called(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
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
        let kind = Kind::of(method).filter(|kind| *kind == Kind::Tools || !policy.is_the_same_for_all())?;
        Some(Self {
            kind,
            policy: policy.clone(),
            requester: Requester::from(permit).into_owned(),
            now: endpoint.front.clock.now(),
            known: endpoint.remote.annotations().clone(),
        })
    }

    /// The member of the result that holds the list.
    pub(super) fn member(&self) -> &'static str {
        self.kind.member()
    }

    /// What the policy lists, each as it came. A list or a name that is there twice could be read in two ways.
    pub(super) fn filtered(&self, result: &Object<'_>) -> Option<Box<RawValue>> {
        let entries: Vec<&RawValue> = serde_json::from_str(only(result, self.member())?.get()).ok()?;
        let listed: Vec<_> = entries.into_iter().filter(|entry| self.lists(entry)).collect();
        Some(to_raw_value(&listed).expect("raw values cannot fail to serialise"))
    }

    fn lists(&self, entry: &RawValue) -> bool {
        let Ok(entry) = Object::read(entry.get(), &[self.kind.called()]) else { return false };
        let Some(name) = only(&entry, self.kind.called()).and_then(string) else { return false };
        let target = match self.kind {
            Kind::Tools => Target::Tool { name: &name, annotations: Some(self.annotations(&name, &entry)) },
            Kind::Prompts => Target::Prompt(&name),
            Kind::Resources | Kind::Templates => Target::Resource(&name),
        };
        let arguments = Arguments::Unknown;
        self.policy.lists(&Question { requester: &self.requester, target, arguments, now: self.now })
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
