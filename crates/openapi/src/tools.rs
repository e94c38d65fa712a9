//! All tools of one document.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::naming::{is_name, names};
use crate::tuning::Tuning;
use crate::{Cost, Document, DocumentError, Mode, Operation, Prompt, PromptError, Settings, Tool, Warning};
use compile::Compiler;
use overrides::{Override, Overrides, merged};
pub(crate) use reserved::is_reserved_header;
use search::Search;

mod arguments;
mod body;
mod compile;
mod description;
mod overrides;
mod reserved;
mod search;
#[cfg(test)]
mod tests;

/// More tools than these are told of: models choose worse among them (S0.9).
pub const ADVISED_TOOLS: usize = 30;

/// The tools and prompts of one API.
#[derive(Debug, Clone)]
pub struct Tools {
    all: Vec<Tool>,
    by_name: HashMap<String, usize>,
    prompts: Vec<Prompt>,
    search: Option<Search>,
    cost: Cost,
}

impl Tools {
    /// Makes a tool of every operation that the settings select.
    ///
    /// An operation that cannot be a tool is a warning; so is a setting without effect.
    ///
    /// # Errors
    /// [`DocumentError::TooMany`] when the document has more operations than its limit.
    pub fn compile(document: &Document, settings: &Settings) -> Result<(Self, Vec<Warning>), DocumentError> {
        let (operations, mut warnings) = document.operations()?;
        let mut selected = select(&operations, settings, &mut warnings);
        rename(&mut selected, &mut warnings);
        let mut compiler = Compiler::new(document, settings);
        let mut tools = Vec::with_capacity(selected.len());
        for chosen in &selected {
            match compiler.compile(chosen, &mut warnings) {
                Ok(tool) => tools.push(tool),
                Err(reason) => {
                    warnings.push(Warning::LeftOut { operation: chosen.operation.place(), reason });
                }
            }
        }
        warnings.extend(compiler.unused());
        let tools = Self::new(tools, settings);
        if settings.mode == Mode::Tools && tools.all.len() > ADVISED_TOOLS {
            let (count, tokens) = (tools.all.len(), tools.cost.tokens);
            warnings.push(Warning::ManyTools { count, advised: ADVISED_TOOLS, tokens });
        }
        Ok((tools, warnings))
    }

    fn new(tools: Vec<Tool>, settings: &Settings) -> Self {
        let by_name = tools.iter().enumerate().map(|(at, tool)| (tool.definition.name.clone(), at)).collect();
        let mut cost = Cost::default();
        for tool in &tools {
            cost += tool.cost;
        }
        let search = (settings.mode == Mode::Search).then(|| Search::new(&tools, settings));
        Self { all: tools, by_name, prompts: settings.prompts.clone(), search, cost }
    }

    /// Every tool, whether it is listed or found by searching.
    pub fn all(&self) -> &[Tool] {
        &self.all
    }

    /// What `tools/list` shows: all tools, or the two that search and call.
    pub fn listed(&self) -> Vec<&mcp::Tool> {
        match &self.search {
            Some(search) => search.tools().collect(),
            None => self.all.iter().map(|tool| &tool.definition).collect(),
        }
    }

    /// The tool with exactly this name.
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.by_name.get(name).map(|at| &self.all[*at])
    }

    /// The name of the tool that searches, in search mode.
    pub fn search_name(&self) -> Option<&str> {
        self.search.as_ref().map(Search::search_name)
    }

    /// The name of the tool that calls another one, in search mode.
    pub fn call_name(&self) -> Option<&str> {
        self.search.as_ref().map(Search::call_name)
    }

    /// The tools that fit the words best, the best one first; nothing outside of search mode.
    pub fn search(&self, query: &str, most: usize) -> Vec<&Tool> {
        let found = self.search.as_ref().map(|search| search.find(query, most)).unwrap_or_default();
        found.into_iter().map(|at| &self.all[at]).collect()
    }

    /// What all tools cost together. In search mode a client pays only for what it finds; see [`Tools::listed_tokens`].
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Tokens of what `tools/list` shows.
    pub fn listed_tokens(&self) -> usize {
        self.search.as_ref().map_or(self.cost.tokens, Search::tokens)
    }

    /// The prompts, as `prompts/list` shows them.
    pub fn prompts(&self) -> impl Iterator<Item = Value> {
        self.prompts.iter().map(Prompt::definition)
    }

    /// The text of a prompt; `None` when there is no prompt of this name.
    pub fn prompt(
        &self,
        name: &str,
        arguments: &std::collections::BTreeMap<String, String>,
    ) -> Option<Result<String, PromptError>> {
        self.prompts.iter().find(|prompt| prompt.name == name).map(|prompt| prompt.render(arguments))
    }
}

/// An operation that is going to be a tool.
struct Chosen<'o> {
    operation: &'o Operation,
    name: String,
    overrides: Vec<Override<'o>>,
    /// What these come to.
    tuning: Tuning,
}

fn select<'o>(
    operations: &'o [Operation],
    settings: &'o Settings,
    warnings: &mut Vec<Warning>,
) -> Vec<Chosen<'o>> {
    let (names, renamed) = names(operations, settings.naming, &settings.target);
    let mut selecting = settings.selection.selecting();
    let mut overrides = Overrides::new(&settings.overrides);
    let mut selected = Vec::new();
    for (operation, name) in operations.iter().zip(names) {
        if selecting.takes(operation, &name) {
            let overrides = overrides.fitting(operation, &name);
            let tuning = merged(&overrides);
            selected.push(Chosen { operation, name, overrides, tuning });
        }
    }
    let places: HashSet<String> = selected.iter().map(|chosen| chosen.operation.place()).collect();
    let of_the_selected = |warning: &Warning| matches!(warning, Warning::Renamed { operation, .. } if places.contains(operation));
    warnings.extend(renamed.into_iter().filter(of_the_selected));
    warnings.extend(selecting.unused());
    warnings.extend(overrides.unused());
    selected
}

/// Gives the tools the names of the configuration. One that is no name, or is taken, stays without effect.
fn rename(selected: &mut [Chosen<'_>], warnings: &mut Vec<Warning>) {
    for at in 0..selected.len() {
        let Some(wanted) = selected[at].tuning.name.clone() else { continue };
        let is_taken = selected
            .iter()
            .enumerate()
            .any(|(other, chosen)| other != at && chosen.name.eq_ignore_ascii_case(&wanted));
        let reason = match (is_name(&wanted), is_taken) {
            (true, false) => {
                selected[at].name = wanted;
                continue;
            }
            (true, true) => "another tool has the configured name already",
            (false, _) => "the configured name has other characters than A-Z a-z 0-9 _ . -, or more than 128",
        };
        let (operation, name) = (selected[at].operation.place(), selected[at].name.clone());
        warnings.push(Warning::Renamed { operation, name, reason });
    }
}
