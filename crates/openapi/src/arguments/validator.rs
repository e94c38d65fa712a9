//! JSON Schema 2020-12, with bounds: expressions in linear time, no references that leave the schema, and counted steps.

use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::Value;

use super::{Arguments, InvalidArguments, budget, shown};
use crate::request::Uncallable;

/// Errors that one refusal tells of.
const TOLD: usize = 3;
/// The largest compiled expression, in bytes.
const EXPRESSION_SIZE: usize = 1024 * 1024;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Validator(jsonschema::Validator);

impl Validator {
    pub(crate) fn compile(schema: &Value) -> Result<Self, Uncallable> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(
                PatternOptions::regex().size_limit(EXPRESSION_SIZE).dfa_size_limit(EXPRESSION_SIZE),
            )
            .should_validate_formats(false)
            .with_keyword(budget::KEYWORD, |_, _, _| Ok(Box::new(budget::Step)))
            .build(&budget::counted(schema));
        validator.map(Self).map_err(|error| Uncallable::Schema(shown(&error.masked().to_string())))
    }

    /// Whether a value is as the schema says; also not, when it takes too many steps to know.
    pub(crate) fn is_valid(&self, value: &Value) -> bool {
        budget::within(|| self.0.is_valid(value)).0
    }

    pub(crate) fn validate(&self, arguments: &Arguments<'_>) -> Result<(), InvalidArguments> {
        let value = &arguments.value;
        let (is_valid, is_used_up) = budget::within(|| self.0.is_valid(value));
        let too_complex = || InvalidArguments::all("They are too deep or too many to be checked");
        match (is_valid, is_used_up) {
            (_, true) => Err(too_complex()),
            (true, false) => Ok(()),
            (false, false) => {
                let (errors, is_used_up) = budget::within(|| {
                    self.0.iter_errors(value).take(TOLD).map(|error| told(&error)).collect()
                });
                Err(if is_used_up { too_complex() } else { InvalidArguments::several(errors) })
            }
        }
    }
}

/// `/body/labels/0` is `body.labels.0` to a reader.
fn told(error: &ValidationError<'_>) -> InvalidArguments {
    let what = shown(&error.masked_with("the value").to_string());
    match error.instance_path().as_str().trim_start_matches('/').replace('/', ".") {
        path if path.is_empty() => InvalidArguments::all(what),
        path => InvalidArguments::of(&path, what),
    }
}
