//! What a server has said about its tools, for calls: a call does not repeat it.

use std::sync::Arc;

use moka::sync::Cache;

use crate::policy::Annotations;

/// How many tools of a server are remembered.
const TOOLS: u64 = 4096;

/// The annotations that were seen in lists of one server. Of a tool that nobody has listed the careful answer is taken.
#[derive(Clone)]
pub(crate) struct KnownAnnotations(Cache<Arc<str>, Annotations>);

impl Default for KnownAnnotations {
    fn default() -> Self {
        Self(Cache::new(TOOLS))
    }
}

impl KnownAnnotations {
    pub(crate) fn of(&self, tool: &str) -> Annotations {
        self.0.get(tool).unwrap_or_default()
    }

    pub(crate) fn keep(&self, tool: &str, annotations: Annotations) {
        if self.0.get(tool) != Some(annotations) {
            self.0.insert(tool.into(), annotations);
        }
    }
}
