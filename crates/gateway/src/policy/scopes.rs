//! Which scopes a tool needs, and which a token has.

use std::collections::{BTreeMap, BTreeSet};

use oauth::Scope;

use super::glob::fold;
use crate::settings::ToolScopes;

/// The scopes that the tools of one server need. A name that looks like one that is configured needs what that one
/// needs: the server may take them for the same.
#[derive(Debug)]
pub(super) struct ScopeTable {
    scopes: ToolScopes,
    alike: BTreeMap<String, Scope>,
    hidden_alike: BTreeSet<String>,
    /// What each scope stands for beside itself, steps between them taken.
    implied: BTreeMap<String, Scope>,
    /// Whether there is no tool beside the named ones.
    is_complete: bool,
}

impl ScopeTable {
    pub(super) fn new(scopes: ToolScopes, is_complete: bool) -> Self {
        let mut alike = BTreeMap::<String, Scope>::new();
        for (name, needed) in &scopes.named {
            let all = alike.entry(fold(name).into_owned()).or_default();
            *all = all.union(needed);
        }
        let hidden_alike = scopes.hidden.iter().map(|name| fold(name).into_owned()).collect();
        let implied = scopes.implied.keys().map(|token| (token.clone(), closure(token, &scopes.implied)));
        Self { implied: implied.collect(), alike, hidden_alike, is_complete, scopes }
    }

    /// What the tool needs; `None` when there is no such tool for anybody.
    pub(super) fn of_tool(&self, name: &str) -> Option<&Scope> {
        if self.scopes.hidden.contains(name) {
            return None;
        }
        if let Some(needed) = self.scopes.named.get(name) {
            return Some(needed);
        }
        if self.is_complete {
            return None;
        }
        if self.alike.is_empty() && self.hidden_alike.is_empty() {
            return Some(&self.scopes.default);
        }
        let folded = fold(name);
        if self.hidden_alike.contains(&*folded) {
            return None;
        }
        Some(self.alike.get(&*folded).unwrap_or(&self.scopes.default))
    }

    /// What everything needs that is no tool.
    pub(super) fn of_others(&self) -> &Scope {
        &self.scopes.default
    }

    /// Whether `granted` covers `needed`, by itself or by what its scopes stand for.
    pub(super) fn covers(&self, granted: &Scope, needed: &Scope) -> bool {
        needed.is_subset_of(granted)
            || needed.tokens().all(|token| {
                let stands_for_it =
                    |held: &str| self.implied.get(held).is_some_and(|implied| implied.contains(token));
                granted.contains(token) || granted.tokens().any(stands_for_it)
            })
    }
}

/// Everything that `token` stands for, in any number of steps.
fn closure(token: &str, implied: &BTreeMap<String, Scope>) -> Scope {
    let mut all = Scope::default();
    let mut next = implied.get(token).cloned().unwrap_or_default();
    while !next.is_empty() {
        all = all.union(&next);
        let further = next.tokens().filter_map(|token| implied.get(token));
        next = further.fold(Scope::default(), |sum, scope| sum.union(scope)).difference(&all);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn table() -> ScopeTable {
        let named = [("delete", "use admin"), ("Odd", "odd"), ("odd", "use")];
        ScopeTable::new(
            ToolScopes {
                default: scope("use"),
                named: named.map(|(name, needed)| (name.to_owned(), scope(needed))).into(),
                hidden: ["env".to_owned()].into(),
                implied: [("root", "admin"), ("admin", "use odd"), ("odd", "admin")]
                    .map(|(token, implied)| (token.to_owned(), scope(implied)))
                    .into(),
            },
            false,
        )
    }

    #[test]
    fn gw_11_another_spelling_needs_what_the_configured_one_needs() {
        let table = table();
        for (name, needed) in [
            ("echo", Some("use")),
            ("delete", Some("use admin")),
            ("Delete", Some("use admin")),
            ("DELETE\u{200b}", Some("use admin")),
            ("Odd", Some("odd")),
            ("ODD", Some("odd use")),
            ("env", None),
            ("ENV", None),
            ("environment", Some("use")),
        ] {
            assert_eq!(table.of_tool(name), needed.map(scope).as_ref(), "{name}");
        }
    }

    #[test]
    fn gw_26_a_scope_stands_for_others_in_any_number_of_steps() {
        let table = table();
        for (granted, needed, is_covered) in [
            ("use", "use", true),
            ("", "use", false),
            ("admin", "use", true),
            ("root", "use admin", true),
            ("root", "root", true),
            ("use", "admin", false),
            ("odd", "use", true),
            ("odd", "root", false),
        ] {
            assert_eq!(table.covers(&scope(granted), &scope(needed)), is_covered, "{granted} for {needed}");
        }
    }

    #[test]
    fn a_complete_table_has_no_other_tools() {
        let named = [("get".to_owned(), scope("read"))].into();
        let table = ScopeTable::new(ToolScopes { named, ..ToolScopes::default() }, true);
        assert!(table.of_tool("get").is_some() && table.of_tool("Get").is_none());
    }
}
