//! Who may do what? One definition, asked for the list, for the call, for `policy explain` and for `policy replay`.
//!
//! Three things are asked, in this order:
//! 1. **The rules** of the operator ([`RuleSettings`]). Their order does not matter: a rule that denies wins over every
//!    rule that allows, and what no rule is about is decided by [`PolicySettings::default`]. A rule that denies and
//!    whose condition cannot be evaluated denies; one that allows then allows nothing.
//! 2. **The scopes** that a tool needs. A token that lacks some is challenged: the tool stands in the list, for a client
//!    cannot step up to a tool it never saw, and the call is answered with 403 and all scopes that the tool needs
//!    (2025-11-25, Authorization, Scope Challenge). Rules come first, since no consent of the user helps against them.
//! 3. Tools that nobody can have are **hidden**: not in the list, and answered exactly as an unknown tool is.
//!
//! A list shows what may be allowed: what a rule denies for certain is not there, what depends on arguments is.
//!
//! Names are compared as a careless server might compare them wherever that denies more, and exactly wherever it would
//! allow more. `docs/decisions/0021-policy-rules.md` says why all of this is so.

mod condition;
mod glob;
mod question;
mod requester;
mod rule;
mod scopes;
mod settings;
mod uri;

use std::collections::HashSet;
use std::sync::Arc;

use oauth::Scope;

pub use self::condition::{Condition, ConditionError};
pub(crate) use self::glob::{Glob, fold};
pub use self::question::{Annotations, Arguments, Question, Target};
pub use self::requester::{Memberships, Requester};
use self::rule::Rule;
pub use self::rule::{Difference, Effect, Outcome};
use self::scopes::ScopeTable;
pub use self::settings::{PolicyError, PolicySettings, RuleSettings, Tell};
use crate::settings::ToolScopes;

/// The name under which scopes decide.
pub(crate) const BY_SCOPE: &str = "scope";
/// The name under which [`PolicySettings::default`] decides.
pub(crate) const BY_DEFAULT: &str = "default";
/// Names that no rule may have: the audit log gives them to what decides without one.
const RESERVED: [&str; 6] = [BY_SCOPE, BY_DEFAULT, "unknown tool", "lock", "allow", ""];

/// The rules of all servers, checked and compiled. Immutable: a reload makes another one.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    default: Effect,
    tell: Tell,
    rules: Arc<[Arc<Rule>]>,
}

impl Policy {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`PolicyError`] for the first rule that cannot stand.
    pub fn new(settings: &PolicySettings) -> Result<Self, PolicyError> {
        let mut names = HashSet::new();
        for rule in &settings.rules {
            if RESERVED.contains(&&*rule.name) {
                return Err(PolicyError::new(rule, "cannot be called so"));
            }
            if !names.insert(&rule.name) {
                return Err(PolicyError::new(rule, "is there twice"));
            }
            if rule.effect == Effect::Allow && settings.default == Effect::Allow {
                let what = "allows what is allowed anyway: write default = \"deny\" in [policy], or deny what it \
                            leaves out";
                return Err(PolicyError::new(rule, what));
            }
        }
        let rules =
            settings.rules.iter().map(|rule| Rule::new(rule).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Self { default: settings.default, tell: settings.tell, rules })
    }
}

/// What a policy decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'p> {
    /// It may be; the rule that says so, or `scope` when no rule had to.
    Allow(&'p str),
    /// It may be with a token that has these scopes.
    Challenge(&'p Scope),
    /// It may not be.
    Deny(Denial<'p>),
    /// It does not exist for anybody here.
    Hidden,
    /// That depends on what is not known: the rule, and what it wants to know.
    Open(&'p str, &'static str),
}

/// Why something may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial<'p> {
    /// The rule, or `default`.
    pub rule: &'p str,
    /// What the condition of the rule failed on, if that is why.
    pub failure: Option<String>,
    /// What the operator says about it.
    pub reason: Option<&'p str>,
}

/// The policy of one server: the scopes of its tools, and the rules that have to do with it.
#[derive(Debug)]
pub struct ServerPolicy {
    server: Arc<str>,
    scopes: ScopeTable,
    policy: Policy,
    here: Vec<Arc<Rule>>,
}

impl ServerPolicy {
    /// The policy of the server called `server`, whose other tools are not known beforehand.
    pub fn new(server: &str, scopes: ToolScopes, policy: &Policy) -> Self {
        Self::with(server, ScopeTable::new(scopes, false), policy)
    }

    /// The policy of a server that has no tools but those that `scopes` names.
    pub fn complete(server: &str, scopes: ToolScopes, policy: &Policy) -> Self {
        Self::with(server, ScopeTable::new(scopes, true), policy)
    }

    fn with(server: &str, scopes: ScopeTable, policy: &Policy) -> Self {
        let here = policy.rules.iter().filter(|rule| rule.is_at(server)).cloned().collect();
        Self { server: server.into(), scopes, policy: policy.clone(), here }
    }

    /// The server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Its name, for what keeps it longer.
    pub(crate) fn server_name(&self) -> Arc<str> {
        Arc::clone(&self.server)
    }

    /// Whether a list is the same for everybody.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        self.here.is_empty() && self.policy.default == Effect::Allow
    }

    /// Whether a decision needs to know what a tool's server says about the tool.
    pub(crate) fn looks_at_annotations(&self) -> bool {
        self.here.iter().any(|rule| rule.looks_at_annotations())
    }

    /// Decides.
    pub fn decide(&self, question: &Question<'_>) -> Decision<'_> {
        let needed = match question.target {
            Target::Tool { name, .. } => self.scopes.of_tool(name),
            _ => Some(self.scopes.of_others()),
        };
        let Some(needed) = needed else { return Decision::Hidden };
        let ruling =
            self.ruling(self.here.iter().map(|rule| (&**rule, rule.outcome(question, &self.server))));
        if let Decision::Deny(_) = ruling {
            return ruling;
        }
        match &question.requester.scope {
            Some(granted) if !self.scopes.covers(granted, needed) => Decision::Challenge(needed),
            None if !needed.is_empty() => Decision::Open(BY_SCOPE, "the scopes of the token"),
            _ => ruling,
        }
    }

    /// Whether it stands in a list that the requester asks for; arguments are not known there.
    pub fn lists(&self, question: &Question<'_>) -> bool {
        if self.is_the_same_for_all() {
            let Target::Tool { name, .. } = question.target else { return true };
            return self.scopes.of_tool(name).is_some();
        }
        let question = Question { arguments: Arguments::Unknown, ..question.clone() };
        !matches!(self.decide(&question), Decision::Deny(_) | Decision::Hidden)
    }

    /// Every rule of the configuration in its order, with whether it is about the question.
    pub fn explain(&self, question: &Question<'_>) -> Vec<(&str, Effect, Outcome)> {
        let rules = self.policy.rules.iter();
        rules.map(|rule| (&*rule.name, rule.effect, rule.outcome(question, &self.server))).collect()
    }

    /// What the scopes of this server ask of a tool; `None` when it is hidden.
    pub fn needed(&self, target: Target<'_>) -> Option<&Scope> {
        match target {
            Target::Tool { name, .. } => self.scopes.of_tool(name),
            _ => Some(self.scopes.of_others()),
        }
    }

    /// What a token granted `granted` lacks of what everything needs that is no tool.
    pub(crate) fn missing(&self, granted: &Scope) -> Option<&Scope> {
        let needed = self.scopes.of_others();
        (!self.scopes.covers(granted, needed)).then_some(needed)
    }

    /// What the caller reads about a denial; `None` when it does not exist for them.
    pub(crate) fn told(&self, question: &Question<'_>, denial: &Denial<'_>) -> Option<String> {
        const DENIED: &str = "denied by the policy of this gateway: another token does not help";
        match self.policy.tell {
            Tell::Nothing if !self.lists(question) => None,
            Tell::Nothing | Tell::Denial => Some(DENIED.to_owned()),
            Tell::Rule => {
                let reason = denial.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                Some(format!("{DENIED}; rule {:?}{reason}", denial.rule))
            }
        }
    }

    /// What the rules say together, whatever their order.
    fn ruling<'p>(&'p self, outcomes: impl Iterator<Item = (&'p Rule, Outcome)>) -> Decision<'p> {
        let (mut allowing, mut failed) = (None::<&Rule>, None);
        let (mut may_deny, mut may_allow) = (None, None);
        for (rule, outcome) in outcomes {
            match (rule.effect, outcome) {
                (_, Outcome::Differs(_)) => {}
                (Effect::Deny, Outcome::Matches) => return Decision::Deny(denial(rule, None)),
                (Effect::Deny, Outcome::Failed(why)) => return Decision::Deny(denial(rule, Some(why))),
                (Effect::Deny, Outcome::Open(what)) => drop(may_deny.get_or_insert((rule, what))),
                (Effect::Allow, Outcome::Matches) => drop(allowing.get_or_insert(rule)),
                (Effect::Allow, Outcome::Failed(why)) => drop(failed.get_or_insert((rule, why))),
                (Effect::Allow, Outcome::Open(what)) => drop(may_allow.get_or_insert((rule, what))),
            }
        }
        let by_default = (self.policy.default == Effect::Allow).then_some(BY_SCOPE);
        match (allowing.map(|rule| &*rule.name).or(by_default), may_deny, may_allow) {
            (Some(_), Some((rule, what)), _) | (None, _, Some((rule, what))) => {
                Decision::Open(&rule.name, what)
            }
            (Some(rule), None, _) => Decision::Allow(rule),
            (None, _, None) => Decision::Deny(match failed {
                Some((rule, why)) => denial(rule, Some(why)),
                None => Denial { rule: BY_DEFAULT, failure: None, reason: None },
            }),
        }
    }
}

fn denial(rule: &Rule, failure: Option<String>) -> Denial<'_> {
    Denial { rule: &rule.name, failure, reason: rule.reason.as_deref() }
}

#[cfg(test)]
mod tests;
