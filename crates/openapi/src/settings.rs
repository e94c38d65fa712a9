//! What an operator says of one API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Naming, Prompt, Selection, Slimming, Tuning};

/// How the operations of a document become tools.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// What the API is called in front of its tools, when [`Settings::naming`] asks for it.
    pub target: String,
    /// How tools are named.
    pub naming: Naming,
    /// Which operations are offered.
    pub selection: Selection,
    /// Changes of single tools, by `operationId`, name of the tool, path, or method and path; or by a glob of these, whose
    /// changes come first.
    pub overrides: BTreeMap<String, Tuning>,
    /// Prompts that are offered besides.
    pub prompts: Vec<Prompt>,
    /// Whether a client sees the tools themselves.
    pub mode: Mode,
    /// What is cut from definitions.
    pub slimming: Slimming,
    /// Whether tools say what their answers look like, unless [`Tuning::output_schema`] says otherwise. A client may refuse
    /// an answer that is not as it was said, and many an API does not answer as its document says.
    pub output_schemas: bool,
}

/// What a client sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every tool.
    #[default]
    Tools,
    /// Two tools: one finds tools, the other calls one that was found.
    Search,
}
