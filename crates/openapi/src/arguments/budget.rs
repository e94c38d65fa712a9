//! Steps of a validation, counted: a schema that refers to itself in alternatives can take time that doubles with every
//! level of the arguments (OA-15). When the steps are used up, whatever is still to be looked at is not valid, at once.

use std::cell::Cell;

use jsonschema::{Keyword, ValidationError};
use serde_json::{Value, json};

/// The keyword that counts. No document has it: what a document has and nobody knows is left out of schemas.
pub(super) const KEYWORD: &str = "x-vestibule-step";
/// Definitions and alternatives that one validation may look at.
const STEPS: u32 = 200_000;

thread_local! {
    /// Steps that are left to the validation under way. A validation stays on its thread.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// One step.
pub(super) struct Step;

impl<'i> Keyword<'i> for Step {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("too complex")) }
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        LEFT.with(|left| {
            let before = left.get();
            left.set(before.saturating_sub(1));
            before > 0
        })
    }
}

/// Gives `work` its steps. The second value says that they did not suffice.
pub(super) fn within<T>(work: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(STEPS);
    let done = work();
    (done, LEFT.get() == 0)
}

/// The schema with a step before each definition and each alternative, which are the places where work multiplies.
pub(super) fn counted(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let counted_member = |(keyword, value): (&String, &Value)| {
        let value = match (keyword.as_str(), value) {
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter().map(|schema| step(&counted(schema))).collect()
            }
            ("$defs", Value::Object(schemas)) => {
                schemas.iter().map(|(name, schema)| (name.clone(), step(&counted(schema)))).collect()
            }
            ("properties" | "patternProperties" | "dependentSchemas", Value::Object(schemas)) => {
                schemas.iter().map(|(name, schema)| (name.clone(), counted(schema))).collect()
            }
            ("const" | "enum" | "default", value) => value.clone(),
            (_, Value::Object(_)) => counted(value),
            _ => value.clone(),
        };
        (keyword.clone(), value)
    };
    members.iter().map(counted_member).collect()
}

/// `if` is looked at first, so that nothing of the schema is once the steps are used up.
fn step(schema: &Value) -> Value {
    json!({ "if": { KEYWORD: true }, "then": schema, "else": false })
}
