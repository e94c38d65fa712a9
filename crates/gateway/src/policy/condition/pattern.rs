//! Regular expressions of conditions.

use std::any::Any;

use cel::common::types::{CelBool, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

/// The most that one may take once it is compiled, in bytes.
const MAXIMUM_SIZE: usize = 1 << 20;
const PREFIX: &str = "pattern";
const PATTERN: Type = Type::new_unspecified_type("pattern");
static OF_ALL: Type = PATTERN;

/// The second argument of `matches()`.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let compiled = RegexBuilder::new(text).size_limit(MAXIMUM_SIZE).build();
        compiled.map(Self).map_err(|error| format!("matches() has a pattern that is none: {error}"))
    }

    /// The variable of the pattern in this place; no condition can name it.
    pub(super) fn variable(place: usize) -> String {
        format!("@{PREFIX}{place};")
    }

    /// The pattern that a variable stands for, without its signs.
    pub(super) fn of<'p>(variable: &str, patterns: &'p [Self]) -> Option<&'p Self> {
        patterns.get(variable.strip_prefix(PREFIX)?.parse::<usize>().ok()?)
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &OF_ALL
    }

    fn cel_type() -> &'static Type {
        &OF_ALL
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// Declares `text.matches(pattern)` and `matches(text, pattern)`.
pub(super) fn declare(environment: &mut Env) {
    let member = environment.add_member_overload(
        "matches",
        "string_matches_pattern",
        STRING_TYPE,
        vec![PATTERN],
        matches,
    );
    let global = environment.add_overload("matches", "matches_pattern", vec![STRING_TYPE, PATTERN], matches);
    member.and(global).expect("the standard library is built without a `matches` of its own");
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that cel asks for")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = arguments.first().and_then(|text| text.downcast_ref::<CelString>());
    let pattern = arguments.get(1).and_then(|pattern| pattern.downcast_ref::<Pattern>());
    match (text, pattern) {
        (Some(text), Some(Pattern(pattern))) => {
            Ok(CowVal::owned(CelBool::from(pattern.is_match(text.inner()))))
        }
        _ => Err(ExecutionError::missing_argument_or_target()),
    }
}
