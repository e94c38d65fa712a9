//! May this token call this tool? One definition, asked for the list and for the call alike.
//!
//! A tool needs scopes. Three things can be true of a caller:
//! - the token has them: **allow**;
//! - it has not, but the server offers them, so the client can ask its user for more: **challenge**. The tool stands in
//!   the list, for a client cannot step up to a tool it never saw, and the call is answered with 403 and all scopes the
//!   tool needs (2025-11-25, Authorization, Scope Challenge);
//! - nobody can obtain them here: **hidden**. The tool is not in the list and calling it by name is answered exactly as
//!   an unknown tool is.
//!
//! Scopes stand side by side: none implies another, so there is no hierarchy to account for.

use oauth::Scope;

use crate::settings::ToolScopes;

/// What a caller may do with a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Call it.
    Allow,
    /// See it, and call it with a token that has its scopes.
    Challenge,
    /// Nothing; it does not exist for this caller.
    Hidden,
}

/// Decides about a tool that needs `needed` at a server that offers `offered`, for a token that was granted `granted`.
pub(crate) fn decide(needed: &Scope, offered: &Scope, granted: &Scope) -> Decision {
    if !needed.is_subset_of(offered) {
        Decision::Hidden
    } else if needed.is_subset_of(granted) {
        Decision::Allow
    } else {
        Decision::Challenge
    }
}

/// The policy of a server whose tools are not known beforehand.
#[derive(Debug)]
pub(crate) struct ToolPolicy(ToolScopes);

impl ToolPolicy {
    pub(crate) fn new(scopes: ToolScopes) -> Self {
        Self(scopes)
    }

    /// What a token granted `granted` may do with the tool called `name`, and the scopes that the tool needs.
    pub(crate) fn tool(&self, name: &str, granted: &Scope) -> (Decision, &Scope) {
        let needed = self.0.named.get(name).unwrap_or(&self.0.default);
        if self.0.hidden.contains(name) {
            return (Decision::Hidden, needed);
        }
        // Whatever the configuration names is offered.
        (decide(needed, needed, granted), needed)
    }

    /// The same for everything of the server that is no tool.
    pub(crate) fn other(&self, granted: &Scope) -> (Decision, &Scope) {
        (decide(&self.0.default, &self.0.default, granted), &self.0.default)
    }

    /// Whether a tool stands in the list.
    pub(crate) fn lists(&self, name: &str) -> bool {
        !self.0.hidden.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_named_needs_the_default() {
        let scope = |text| Scope::parse(text).unwrap();
        let policy = ToolPolicy::new(ToolScopes {
            default: scope("use"),
            named: [("delete".to_owned(), scope("use admin"))].into(),
            hidden: ["env".to_owned()].into(),
        });
        for (name, granted, decision) in [
            ("echo", "use", Decision::Allow),
            ("echo", "", Decision::Challenge),
            ("delete", "use", Decision::Challenge),
            ("delete", "use admin", Decision::Allow),
            ("Delete", "use", Decision::Allow),
            ("env", "use admin", Decision::Hidden),
        ] {
            assert_eq!(policy.tool(name, &scope(granted)).0, decision, "{name} with {granted:?}");
            assert_eq!(policy.lists(name), decision != Decision::Hidden);
        }
        assert_eq!(policy.other(&scope("admin")).0, Decision::Challenge);
    }

    #[test]
    fn the_three_decisions() {
        for (needed, granted, decision) in [
            ("", "", Decision::Allow),
            ("read", "read", Decision::Allow),
            ("read", "read write", Decision::Allow),
            ("read write", "read", Decision::Challenge),
            ("write", "read", Decision::Challenge),
            ("write", "", Decision::Challenge),
            ("admin", "", Decision::Hidden),
            ("admin", "admin", Decision::Hidden),
            ("read admin", "read admin write", Decision::Hidden),
        ] {
            let scope = |text| Scope::parse(text).unwrap();
            let found = decide(&scope(needed), &scope("read write"), &scope(granted));
            assert_eq!(found, decision, "{needed:?} with {granted:?}");
        }
    }
}
