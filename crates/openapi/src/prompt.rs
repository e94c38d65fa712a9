//! Prompts of the operator: text with `{{variables}}`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A prompt that a server offers besides its tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// What it is called by.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The text. `{{name}}` stands for the argument `name`.
    pub content: String,
    /// The arguments. A variable that is not among them is a required argument all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<PromptArgument>,
}

/// An argument of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptArgument {
    /// The variable.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether the prompt cannot be made without it; otherwise nothing stands in its place.
    #[serde(default = "yes")]
    pub required: bool,
}

/// A prompt that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A required argument is not there.
    #[error("the prompt needs the argument {0}")]
    Missing(String),
    /// An argument that the prompt does not have.
    #[error("the prompt has no argument {0}")]
    Unknown(String),
}

static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]{0,63})\s*\}\}").expect("a test uses it"));

impl Prompt {
    /// All arguments, those first that are described.
    pub fn all_arguments(&self) -> Vec<PromptArgument> {
        let described: BTreeSet<&str> =
            self.arguments.iter().map(|argument| argument.name.as_str()).collect();
        let used: BTreeSet<&str> =
            VARIABLE.captures_iter(&self.content).filter_map(|found| Some(found.get(1)?.as_str())).collect();
        let others = used.difference(&described).map(|name| PromptArgument {
            name: (*name).to_owned(),
            description: String::new(),
            required: true,
        });
        self.arguments.iter().cloned().chain(others).collect()
    }

    /// The prompt as `prompts/list` shows it.
    pub fn definition(&self) -> Value {
        json!({ "name": self.name, "description": self.description, "arguments": self.all_arguments() })
    }

    /// The text for these arguments. What an argument says is not looked at for further variables.
    pub fn render(&self, arguments: &BTreeMap<String, String>) -> Result<String, PromptError> {
        let all = self.all_arguments();
        if let Some(unknown) = arguments.keys().find(|name| !all.iter().any(|known| known.name == **name)) {
            return Err(PromptError::Unknown(unknown.clone()));
        }
        if let Some(missing) = all.iter().find(|known| known.required && !arguments.contains_key(&known.name))
        {
            return Err(PromptError::Missing(missing.name.clone()));
        }
        let value = |found: &Captures<'_>| arguments.get(&found[1]).cloned().unwrap_or_default();
        Ok(VARIABLE.replace_all(&self.content, value).into_owned())
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt() -> Prompt {
        Prompt {
            name: "review".to_owned(),
            description: String::new(),
            content: "Review {{ repo }} of {{owner}}. {{note}} {{1}} {repo}".to_owned(),
            arguments: vec![PromptArgument {
                name: "note".to_owned(),
                description: "n".to_owned(),
                required: false,
            }],
        }
    }

    fn rendered(arguments: &[(&str, &str)]) -> Result<String, PromptError> {
        prompt().render(
            &arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn variables_are_replaced_once() {
        assert_eq!(
            rendered(&[("repo", "{{owner}}"), ("owner", "ada")]).unwrap(),
            "Review {{owner}} of ada.  {{1}} {repo}"
        );
        assert_eq!(rendered(&[("repo", "x")]), Err(PromptError::Missing("owner".to_owned())));
        assert_eq!(
            rendered(&[("repo", "x"), ("owner", "y"), ("other", "z")]),
            Err(PromptError::Unknown("other".to_owned()))
        );
    }

    #[test]
    fn undescribed_variables_are_arguments_too() {
        let definition = prompt().definition();
        let names: Vec<_> =
            definition["arguments"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["note", "owner", "repo"]);
        assert_eq!(definition["arguments"][1]["required"], true);
    }
}
