//! Schemas of a document as JSON Schema 2020-12, slim and bundled.
//!
//! 1. [`Schemas::convert`] makes one schema object current: the dialects of Swagger 2 and `OpenAPI` 3.0 become 2020-12,
//!    what no model needs is left out, what would not be valid is left out with a warning. References stay as they are.
//! 2. [`Schemas::bundle`] finds what the references of a tool reach, converts each definition once for the whole
//!    document, writes in place what is used once, and keeps the rest in `$defs`. Circles stay references.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value;

use crate::cost::of_json;
use crate::{Document, Slimming};
use pattern::Patterns;

mod bundle;
mod circles;
mod convert;
mod keyword;
mod nullable;
mod pattern;
#[cfg(test)]
mod tests;

/// Losses of one tool that are told.
const MOST_LOSSES: usize = 20;

/// In which direction a schema's values travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// To the server: members that are `readOnly` are left out.
    Request,
    /// From the server: members that are `writeOnly` are left out.
    Response,
}

/// What became of the definitions of one document.
pub(crate) struct Schemas<'d> {
    document: &'d Document,
    slimming: Slimming,
    direction: Direction,
    definitions: HashMap<String, Rc<Definition>>,
    patterns: Patterns,
    /// What was left out of the schema that is being made.
    losses: Vec<String>,
    /// Values and definitions that may still be visited, over all tools.
    left: usize,
    /// Definitions as the document has them: their tokens, and what they refer to.
    raw: HashMap<String, (usize, Vec<String>)>,
}

/// One converted definition.
struct Definition {
    schema: Value,
    /// Everything that it refers to, each reference as often as it stands there.
    references: Vec<String>,
    /// What it refers to for the same instance, by `$ref` or through `allOf` and its like.
    in_place: HashSet<String>,
    values: usize,
}

/// A schema that is larger than a tool may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLarge {
    /// More values than [`crate::Limits::schema_values`].
    Tool,
    /// More values over all tools than [`crate::Limits::compiled_values`].
    Document,
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(document: &'d Document, slimming: Slimming, direction: Direction) -> Self {
        Self {
            document,
            slimming,
            direction,
            definitions: HashMap::new(),
            patterns: Patterns::default(),
            losses: Vec::new(),
            left: document.limits().compiled_values,
            raw: HashMap::new(),
        }
    }

    /// What was left out since the last time.
    pub(crate) fn take_losses(&mut self) -> Vec<String> {
        std::mem::take(&mut self.losses)
    }

    /// Tokens of a schema with all that it refers to, as the document has them.
    pub(crate) fn unslimmed(&mut self, schema: &Value) -> usize {
        let mut seen = HashSet::new();
        let (mut tokens, mut waiting) = (of_json(schema), references(schema));
        while let Some(reference) = waiting.pop() {
            if !seen.insert(reference.clone()) {
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            let document = self.document;
            let raw = self.raw.entry(reference).or_insert_with_key(|reference| {
                let target = document.at(reference);
                (target.map_or(0, of_json), target.map(references).unwrap_or_default())
            });
            tokens += raw.0;
            waiting.extend(raw.1.iter().filter(|next| !seen.contains(*next)).cloned());
        }
        tokens
    }

    fn lose(&mut self, what: String) {
        if self.losses.len() < MOST_LOSSES && !self.losses.contains(&what) {
            self.losses.push(what);
        }
    }
}

/// Every `$ref` in a value.
fn references(value: &Value) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![value]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(values) => waiting.extend(values),
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                waiting.extend(members.values());
            }
            _ => {}
        }
    }
    found
}
