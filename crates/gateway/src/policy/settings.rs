//! What an operator writes down.

use serde::Deserialize;

use super::{Condition, Effect};

/// What an operator wants to be allowed and denied.
#[derive(Debug, Clone, Default)]
pub struct PolicySettings {
    /// What happens to what no rule is about.
    pub default: Effect,
    /// What a caller is told about a denial.
    pub tell: Tell,
    /// The rules.
    pub rules: Vec<RuleSettings>,
}

/// What a caller is told about a denial. The audit log and the log always name the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tell {
    /// What is not in their list does not exist for them; of the rest, that it was denied.
    #[default]
    Nothing,
    /// That it was denied.
    Denial,
    /// That it was denied, by which rule, and the rule's reason.
    Rule,
}

/// One rule. Whatever is left empty is not looked at; `*` in a name stands for any characters.
#[derive(Debug, Clone, Default)]
pub struct RuleSettings {
    /// What the audit log calls it.
    pub name: String,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The servers it is about.
    pub servers: Vec<String>,
    /// The tools it is about; an empty list means all. A rule that names tools, prompts or resources is about nothing
    /// else; one that names none of them is about everything.
    pub tools: Option<Vec<String>>,
    /// The prompts it is about.
    pub prompts: Option<Vec<String>>,
    /// The resources it is about, by their URIs.
    pub resources: Option<Vec<String>>,
    /// The users it is about, by name or subject.
    pub users: Vec<String>,
    /// The roles of which a user must have one.
    pub roles: Vec<String>,
    /// The groups of which a user must be in one.
    pub groups: Vec<String>,
    /// The clients it is about, by their ids.
    pub clients: Vec<String>,
    /// The condition under which it holds.
    pub when: Option<Condition>,
    /// What a caller is told, where callers are told rules.
    pub reason: Option<String>,
}

/// Why settings are no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rule {rule:?} {what}")]
pub struct PolicyError {
    /// The name of the rule.
    pub rule: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl PolicyError {
    pub(super) fn new(rule: &RuleSettings, what: &'static str) -> Self {
        Self { rule: rule.name.clone(), what }
    }
}
