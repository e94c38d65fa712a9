//! Conditions in the Common Expression Language (CEL): read and checked once, evaluated for every question.
//!
//! What an evaluation may cost is bounded before it begins, because nothing can stop it once it runs:
//! 1. `check` refuses expressions that are long, that loop inside of a loop over what a caller sends, or that make a
//!    regular expression out of it;
//! 2. `values` refuses arguments with more values than an expression of its kind may look at.
//!
//! What is not known (the arguments, before the call) has no value. CEL's `&&` and `||` answer without the side that
//! has none where the other one decides, so an evaluation that fails for want of it stays open, and any other that
//! fails has failed.

mod check;
mod pattern;
mod record;
mod values;
mod vocabulary;

use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::{Context, Env, ExecutionError, Value};

use self::check::{Expression, Uses};
use self::record::Variables;
use super::{Arguments, Question, Target};

/// The functions and macros that conditions may use.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    pattern::declare(&mut environment);
    Arc::new(environment)
});

/// A condition in the Common Expression Language, checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Condition(Arc<Expression>);

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {} of the condition: {message}", line + 1)]
pub struct ConditionError {
    /// The line of the text, from 0.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Evaluation {
    True,
    False,
    /// That depends on something that is not known.
    Open(&'static str),
    /// It cannot be evaluated; the reason holds no value of the call.
    Failed(String),
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// [`ConditionError`] for the first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        check::compile(&ENVIRONMENT, text).map(|expression| Self(Arc::new(expression)))
    }

    /// What the condition looks at.
    pub(super) fn uses(&self) -> &Uses {
        &self.0.uses
    }

    pub(super) fn evaluate(&self, question: &Question<'_>, server: &str) -> Evaluation {
        let arguments = match question.arguments {
            Arguments::Known(raw) if self.uses().arguments.is_some() => {
                match values::of_arguments(raw, self.uses()) {
                    Ok(arguments) => Some(arguments),
                    Err(error) => return Evaluation::Failed(error.to_string()),
                }
            }
            _ => None,
        };
        let variables = Variables { question, server, arguments, patterns: &self.0.patterns };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&variables);
        match Value::resolve_val(&self.0.root, &context) {
            Ok(value) => match value.downcast_ref::<CelBool>().map(|value| *value.inner()) {
                Some(true) => Evaluation::True,
                Some(false) => Evaluation::False,
                None => Evaluation::Failed("it is neither true nor false".to_owned()),
            },
            Err(error) => match self.unknown(question) {
                Some(what) => Evaluation::Open(what),
                None => Evaluation::Failed(told(&error)),
            },
        }
    }

    /// What the condition looks at and nobody knows.
    fn unknown(&self, question: &Question<'_>) -> Option<&'static str> {
        let uses = self.uses();
        let has_arguments = matches!(question.arguments, Arguments::Known(_));
        if uses.arguments.is_some() && !has_arguments {
            return Some("the arguments");
        }
        if uses.client && question.requester.client_id.is_none() {
            return Some("the client");
        }
        if uses.memberships && question.requester.memberships.is_none() {
            return Some("the roles and groups of the user");
        }
        let has_annotations = !matches!(question.target, Target::Tool { annotations: None, .. });
        (uses.annotations && !has_annotations).then_some("the annotations of the tool")
    }
}

/// The error without the values that it is about: they may be secrets of a call.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(_) => "it reads a member that is not there".to_owned(),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UndeclaredReference(name) if name.starts_with("@arguments.") => {
            "it reads a member that is not there".to_owned()
        }
        ExecutionError::UndeclaredReference(_) => {
            "it reads something that this question does not have".to_owned()
        }
        ExecutionError::IndexOutOfBounds(_) => "it reads beyond the end of a list".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number gets too large".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("{function} refuses its argument"),
        _ => "its values do not fit together".to_owned(),
    }
}

#[cfg(test)]
mod tests;
