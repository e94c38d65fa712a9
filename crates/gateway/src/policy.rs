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

#[cfg(test)]
mod tests {
    use super::*;

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
