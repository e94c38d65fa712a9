//! Who may do what.

use gateway::policy::{Condition, Effect, Policy, PolicyError, PolicySettings, RuleSettings, Tell};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::server::{Server, ServerKind};
use crate::cli::exit::Stop;

/// `[policy]`, read and compiled.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Table")]
pub(super) struct Compiled {
    policy: Policy,
    /// The servers that rules name, with the rules.
    named: Vec<(String, String)>,
}

/// `[policy]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    /// `default`: what happens to what no rule is about, `"allow"` or `"deny"`. Default `"allow"`.
    default: Effect,
    /// `tell`: what a caller is told about a denial: `"nothing"`, `"denial"` or `"rule"`. Default `"nothing"`.
    tell: Tell,
    /// `[[policy.rule]]`
    rule: Vec<Rule>,
}

impl Default for Table {
    fn default() -> Self {
        let PolicySettings { default, tell, rules: _ } = PolicySettings::default();
        Self { default, tell, rule: Vec::new() }
    }
}

/// `[[policy.rule]]`. In names `*` stands for any characters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// `name`: what the audit log calls it. Required.
    name: String,
    /// `effect`: `"allow"` or `"deny"`. Required.
    effect: Effect,
    /// `servers`: which servers it is about. Default: all.
    #[serde(default)]
    servers: Vec<String>,
    /// `tools`: which tools it is about; an empty list means all. A rule that names tools, prompts or resources is about
    /// nothing else. Default: it is about everything.
    tools: Option<Vec<String>>,
    /// `prompts`: which prompts it is about.
    prompts: Option<Vec<String>>,
    /// `resources`: which resources it is about, by URI.
    resources: Option<Vec<String>>,
    /// `users`: which users, by name or subject. Default: all.
    #[serde(default)]
    users: Vec<String>,
    /// `roles`: of which roles a user must have one. Default: none is asked for.
    #[serde(default)]
    roles: Vec<String>,
    /// `groups`: in which groups a user must be in one. Default: none is asked for.
    #[serde(default)]
    groups: Vec<String>,
    /// `clients`: which clients, by id. Default: all.
    #[serde(default)]
    clients: Vec<String>,
    /// `when`: a condition in CEL. Default: none.
    #[serde(default, deserialize_with = "condition")]
    when: Option<Condition>,
    /// `reason`: what callers are told where `tell` is `"rule"`. Default: nothing more.
    reason: Option<String>,
}

fn condition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Condition>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Condition::parse(&text).map(Some).map_err(D::Error::custom)
}

impl TryFrom<Table> for Compiled {
    type Error = PolicyError;

    fn try_from(table: Table) -> Result<Self, PolicyError> {
        let rule = |rule: Rule| RuleSettings {
            name: rule.name,
            effect: rule.effect,
            servers: rule.servers,
            tools: rule.tools,
            prompts: rule.prompts,
            resources: rule.resources,
            users: rule.users,
            roles: rule.roles,
            groups: rule.groups,
            clients: rule.clients,
            when: rule.when,
            reason: rule.reason,
        };
        let rules: Vec<_> = table.rule.into_iter().map(rule).collect();
        let named = rules
            .iter()
            .flat_map(|rule| rule.servers.iter().map(|server| (rule.name.clone(), server.clone())));
        let named = named.filter(|(_, server)| !server.contains('*')).collect();
        let policy = Policy::new(&PolicySettings { default: table.default, tell: table.tell, rules })?;
        Ok(Self { policy, named })
    }
}

impl Compiled {
    /// The policy, if the servers that it names are there and decide something: a rule that denies something at a server
    /// with a spelling mistake would deny nothing.
    pub(super) fn for_servers(self, servers: &[Server]) -> Result<Policy, Stop> {
        let named = |name: &str| servers.iter().find(|server| server.name == name);
        for (rule, name) in &self.named {
            let stop = |what| Stop::usage(format!("the rule {rule:?} is about the server {name:?}, {what}"));
            match named(name) {
                Some(server) if server.kind == ServerKind::Virtual => {
                    let hint = "name the servers that it joins: what is asked of it is decided there";
                    return Err(stop("which is a virtual one").hint(hint));
                }
                Some(_) => {}
                None => {
                    let hint = "name a [[server]], or write `*` for any characters";
                    return Err(stop("and there is none").hint(hint));
                }
            }
        }
        Ok(self.policy)
    }
}
