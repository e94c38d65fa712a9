//! What a model sees of an operation, otherwise than the document has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Changes of one tool. Parameters go by the name that the model would see; members of the body by `body.NAME`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Another name of the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description of the tool, taken as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Optional parameters that no model sees, and no call sets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// Values that are always sent. No model sees these parameters, and no call changes them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fix: Map<String, Value>,
    /// Values that are sent when a call has none; such a parameter is not required any more.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub default: Map<String, Value>,
    /// Other descriptions of parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub descriptions: BTreeMap<String, String>,
    /// Whether the tool says what its answers look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<bool>,
}

impl Tuning {
    /// This one, and where it says nothing the `general` one.
    #[must_use]
    pub(crate) fn over(&self, general: Self) -> Self {
        let mut merged = general;
        merged.name = self.name.clone().or(merged.name);
        merged.description = self.description.clone().or(merged.description);
        merged.output_schema = self.output_schema.or(merged.output_schema);
        merged.hide.extend(self.hide.iter().cloned());
        merged.fix.extend(self.fix.clone());
        merged.default.extend(self.default.clone());
        merged.descriptions.extend(self.descriptions.clone());
        merged
    }

    /// Every parameter that is spoken of.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &String> {
        self.hide.iter().chain(self.fix.keys()).chain(self.default.keys()).chain(self.descriptions.keys())
    }

    /// Whether the value of the parameter is not the model's business.
    pub(crate) fn conceals(&self, parameter: &str) -> bool {
        self.fix.contains_key(parameter) || self.hide.iter().any(|hidden| hidden == parameter)
    }
}
