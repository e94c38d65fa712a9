//! What stands between what a server says about itself and its clients: a review of every definition in its lists, and of
//! its instructions.
//!
//! 1. A name that holds something hidden names nothing that anybody could have meant: it is left out (UP-03).
//! 2. What the lock has not approved is left out, or told about (UP-02); the definition is looked at as it came.
//! 3. What is hidden in texts is taken out, and long texts are cut (UP-03); everything else goes on as it came.
//!
//! What is found is told to the operator once, in the log and in the audit log.

mod clean;
mod finding;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

use self::finding::{Finding, tell};
use crate::lock::{Definition, Judgement, LockMode, ServerLock, Thing};
use crate::settings::Front;
use crate::upstream::remote::Remote;
use crate::visible;

/// Reviews what one server says.
pub(crate) struct Reviewer {
    front: Arc<Front>,
    remote: Arc<Remote>,
    lock: Option<ServerLock>,
}

/// What becomes of something that was reviewed.
#[derive(Debug)]
pub(crate) enum Reviewed {
    /// It goes on as it came.
    AsItCame,
    /// It goes on like this.
    Changed(Box<RawValue>),
    /// It does not go on.
    Withheld,
}

/// What an entry of a list defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Tool,
    Prompt,
    /// A resource, or a template of them. They say what there is and not what to do, and there are too many of them to
    /// approve each.
    Resource,
}

impl Entry {
    fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        }
    }

    fn thing(self) -> Option<Thing> {
        match self {
            Self::Tool => Some(Thing::Tool),
            Self::Prompt => Some(Thing::Prompt),
            Self::Resource => None,
        }
    }
}

impl Reviewer {
    pub(crate) fn new(front: &Arc<Front>, remote: &Arc<Remote>) -> Self {
        let lock = front.locks.of(remote.name());
        Self { front: front.clone(), remote: remote.clone(), lock }
    }

    /// One entry of a list, by its name or URI.
    pub(crate) fn entry(&self, entry: Entry, name: &str, raw: &RawValue) -> Reviewed {
        let found = |finding| self.tell((entry.word(), name), finding, raw);
        if visible::has_hidden(name) {
            found(Finding::HiddenInName);
            return Reviewed::Withheld;
        }
        if let Some(thing) = entry.thing()
            && !self.lets_pass((thing, name), raw)
        {
            return Reviewed::Withheld;
        }
        let cleaned = clean::definition(raw, entry == Entry::Resource);
        if cleaned.has_hidden {
            found(Finding::Hidden);
        }
        if cleaned.is_cut {
            found(Finding::Cut);
        }
        cleaned.changed.map_or(Reviewed::AsItCame, Reviewed::Changed)
    }

    /// The instructions of the server, as JSON.
    pub(crate) fn instructions(&self, raw: &RawValue) -> Reviewed {
        if raw.get() == "null" {
            return Reviewed::AsItCame;
        }
        if !self.lets_pass((Thing::Instructions, ""), raw) {
            return Reviewed::Withheld;
        }
        let Some(text) = mcp::json::string(raw) else { return Reviewed::Withheld };
        match visible::readable(&text) {
            Cow::Borrowed(_) => Reviewed::AsItCame,
            Cow::Owned(readable) => {
                let finding = if visible::has_hidden(&text) { Finding::Hidden } else { Finding::Cut };
                self.tell(("instructions", ""), finding, raw);
                Reviewed::Changed(clean::raw(crate::literals::encoded(&readable)))
            }
        }
    }

    /// The same for instructions that were read already.
    pub(crate) fn instructions_text(&self, text: Option<String>) -> Option<String> {
        let raw = clean::raw(crate::literals::encoded(&text?));
        match self.instructions(&raw) {
            Reviewed::AsItCame => mcp::json::string(&raw).map(Cow::into_owned),
            Reviewed::Changed(changed) => mcp::json::string(&changed).map(Cow::into_owned),
            Reviewed::Withheld => None,
        }
    }

    /// A definition that a list had; kept for the calls that follow.
    pub(crate) fn learn(&self, thing: Thing, name: &str, raw: &RawValue) {
        if self.lock.is_some() {
            self.remote.said().defined(thing, name, Definition::digest_of(raw));
        }
    }

    /// Whether what is not approved cannot be called.
    pub(crate) fn is_enforced(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.mode == LockMode::Enforce)
    }

    /// What the last list made of a thing; `None` when no list had it, lately.
    pub(crate) fn known(&self, thing: Thing, name: &str) -> Option<Judgement> {
        let lock = self.lock.as_ref()?;
        let digest = self.remote.said().definition(thing, name)?;
        Some(lock.judge(self.identity().as_deref(), (thing, name), &digest))
    }

    /// Whether the lock lets a definition go on.
    fn lets_pass(&self, (thing, name): (Thing, &str), raw: &RawValue) -> bool {
        let Some(lock) = &self.lock else { return true };
        let digest = Definition::digest_of(raw);
        self.remote.said().defined(thing, name, digest);
        let judgement = lock.judge(self.identity().as_deref(), (thing, name), &digest);
        if judgement == Judgement::Approved {
            return true;
        }
        let is_withheld = lock.mode == LockMode::Enforce;
        self.tell((thing.word(), name), Finding::NotApproved { judgement, is_withheld }, raw);
        !is_withheld
    }

    fn identity(&self) -> Option<String> {
        self.remote.said().identity().map(|identity| identity.as_ref().clone())
    }

    fn tell(&self, of: (&'static str, &str), finding: Finding, raw: &RawValue) {
        tell(&self.front, &self.remote, of, finding, raw);
    }
}
