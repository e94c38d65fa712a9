//! What a server has said about itself lately, for what comes later and does not repeat it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use secret::Digest;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::lock::Thing;

/// How many definitions of a server are remembered.
const DEFINITIONS: u64 = 8192;
/// How long one is: then the server is asked again before what it defines is called.
const TIME: Duration = Duration::from_mins(5);
/// How many findings are told, so that a server that changes with every list fills no log.
const FINDINGS: usize = 4096;

/// What was said.
pub(crate) struct Said {
    identity: ArcSwapOption<String>,
    definitions: Cache<(Thing, Box<str>), Digest>,
    found: Mutex<HashSet<Digest>>,
    /// When the server was asked for which list. Locked meanwhile, so that it is asked once.
    pub(crate) asked: tokio::sync::Mutex<HashMap<Thing, Instant>>,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            identity: ArcSwapOption::default(),
            definitions: Cache::builder().max_capacity(DEFINITIONS).time_to_live(TIME).build(),
            found: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
        }
    }
}

impl Said {
    /// The raw result of `initialize` or `server/discover`, which has the server's name.
    pub(crate) fn introduced(&self, result: &RawValue) {
        let Ok(result) = serde_json::from_str::<Value>(result.get()) else { return };
        let info = [&result["serverInfo"], &result["_meta"]["io.modelcontextprotocol/serverInfo"]];
        if let Some(name) = info.iter().find_map(|info| info["name"].as_str())
            && self.identity().is_none_or(|known| *known != name)
        {
            self.identity.store(Some(Arc::new(name.to_owned())));
        }
    }

    /// What the server calls itself, if it has said so since the start.
    pub(crate) fn identity(&self) -> Option<Arc<String>> {
        self.identity.load_full()
    }

    /// A definition was in a list.
    pub(crate) fn defined(&self, thing: Thing, name: &str, digest: Digest) {
        self.definitions.insert((thing, name.into()), digest);
    }

    /// The digest of the definition that was in the last list; `None` when none was, lately.
    pub(crate) fn definition(&self, thing: Thing, name: &str) -> Option<Digest> {
        self.definitions.get(&(thing, name.into()))
    }

    /// Whether a finding is a new one, to be told.
    pub(crate) fn is_new(&self, finding: Digest) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.len() < FINDINGS && found.insert(finding)
    }
}
