//! Which of the configured changes are meant for an operation.

use std::collections::BTreeMap;

use crate::glob::Globs;
use crate::{Operation, Tuning, Warning};

/// Changes by glob, while they are applied.
pub(super) struct Overrides<'s> {
    globs: Globs<'s>,
    /// In the order of their precedence: patterns first, names last.
    tunings: Vec<&'s Tuning>,
}

impl<'s> Overrides<'s> {
    pub(super) fn new(overrides: &'s BTreeMap<String, Tuning>) -> Self {
        let mut ordered: Vec<_> = overrides.iter().collect();
        ordered.sort_by_key(|(glob, _)| !glob.contains('*'));
        Self {
            globs: Globs::new(ordered.iter().map(|(glob, _)| glob.as_str())),
            tunings: ordered.into_iter().map(|(_, tuning)| tuning).collect(),
        }
    }

    pub(super) fn tuning(&mut self, operation: &Operation, name: &str) -> Tuning {
        if self.globs.is_empty() {
            return Tuning::default();
        }
        let place = operation.place();
        let id = operation.operation_id.as_deref().unwrap_or(name);
        let fitting = self.globs.fitting(&[id, name, &operation.path, &place]);
        fitting.into_iter().fold(Tuning::default(), |general, at| self.tunings[at].over(general))
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = Warning> {
        self.globs.unused().map(|glob| Warning::Unused { what: format!("overrides.{glob:?}") })
    }
}
