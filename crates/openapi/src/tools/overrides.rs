//! Which of the configured changes are meant for an operation.

use std::collections::{BTreeMap, HashSet};

use crate::glob::Globs;
use crate::{Operation, Tuning, Warning};

/// Changes by glob, while they are applied.
pub(super) struct Overrides<'s> {
    globs: Globs<'s>,
    /// In the order of their precedence: patterns first, names last.
    ordered: Vec<Override<'s>>,
}

/// A glob, and what it changes.
pub(super) type Override<'s> = (&'s str, &'s Tuning);

impl<'s> Overrides<'s> {
    pub(super) fn new(overrides: &'s BTreeMap<String, Tuning>) -> Self {
        let mut ordered: Vec<Override<'s>> =
            overrides.iter().map(|(glob, tuning)| (glob.as_str(), tuning)).collect();
        ordered.sort_by_key(|(glob, _)| !glob.contains('*'));
        Self { globs: Globs::new(ordered.iter().map(|(glob, _)| *glob)), ordered }
    }

    /// Those that are meant for an operation, which is called `name` without them.
    pub(super) fn fitting(&mut self, operation: &Operation, name: &str) -> Vec<Override<'s>> {
        if self.globs.is_empty() {
            return Vec::new();
        }
        let place = operation.place();
        let id = operation.operation_id.as_deref().unwrap_or(name);
        let fitting = self.globs.fitting(&[id, name, &operation.path, &place]);
        fitting.into_iter().map(|at| self.ordered[at]).collect()
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = Warning> {
        self.globs.unused().map(|glob| Warning::Unused { what: format!("overrides.{glob:?}") })
    }
}

/// All changes together.
pub(super) fn merged(fitting: &[Override<'_>]) -> Tuning {
    fitting.iter().fold(Tuning::default(), |general, (_, tuning)| tuning.over(general))
}

/// Which parameters are spoken of, under which globs. A glob may fit tools that have none of that name, as long as another
/// one has it.
#[derive(Default)]
pub(super) struct Spoken<'s>(BTreeMap<(&'s str, &'s str), bool>);

impl<'s> Spoken<'s> {
    /// Notes what is said of a tool, whose parameters are `known`.
    pub(super) fn note(&mut self, fitting: &[Override<'s>], known: &HashSet<String>) {
        for (glob, tuning) in fitting {
            for parameter in tuning.parameters() {
                *self.0.entry((glob, parameter)).or_default() |= known.contains(parameter);
            }
        }
    }

    /// What no tool has.
    pub(super) fn unused(&self) -> impl Iterator<Item = Warning> {
        self.0.iter().filter(|(_, is_there)| !**is_there).map(|((glob, parameter), _)| Warning::Unused {
            what: format!("{parameter:?} in overrides.{glob:?}"),
        })
    }
}
