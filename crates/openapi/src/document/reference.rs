//! `$ref`: followed when something is asked for, and only inside of the document (OA-07).

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::DocumentError;
use crate::Limits;

/// References that lead from one to the next before they count as endless.
const LONGEST_CHAIN: usize = 64;

/// A `$ref` that leads nowhere, or in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` leads nowhere")]
pub(crate) struct BrokenReference(pub(crate) String);

/// Members whose values are data and not part of the description.
const DATA: [&str; 6] = ["example", "examples", "default", "enum", "const", "value"];

/// Members whose values have names of the author's choice for members.
const NAMED: [&str; 17] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
    "schemas",
    "responses",
    "parameters",
    "headers",
    "requestBodies",
    "links",
    "callbacks",
    "paths",
    "pathItems",
    "content",
    "securitySchemes",
    "securityDefinitions",
];

/// Refuses what refers to something outside, wherever it stands.
pub(super) fn check(root: &Value, limits: &Limits) -> Result<(), DocumentError> {
    let mut left = limits.references;
    search(root, false, &mut left).map_err(|found| match found {
        Found::TooMany => DocumentError::TooMany { what: "references", limit: limits.references },
        Found::External { mut path, reference } => {
            path.reverse();
            // RFC 6901 §3
            let escaped = path.iter().map(|member| member.replace('~', "~0").replace('/', "~1"));
            let at = escaped.fold(String::new(), |at, member| at + "/" + &member);
            DocumentError::ExternalReference { at, reference }
        }
    })
}

/// What a search for references stops at. The path is written on the way back, from the inside to the outside.
enum Found {
    TooMany,
    External { path: Vec<String>, reference: String },
}

fn search(value: &Value, are_names: bool, left: &mut usize) -> Result<(), Found> {
    let behind = |member: String| {
        move |found| match found {
            Found::External { mut path, reference } => {
                path.push(member);
                Found::External { path, reference }
            }
            Found::TooMany => Found::TooMany,
        }
    };
    match value {
        Value::Array(values) => values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| search(value, false, left).map_err(behind(index.to_string()))),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| are_names || !is_data(name)).try_for_each(|(name, value)| {
                match value {
                    Value::String(reference) if !are_names && is_reference(name) => judge(reference, left),
                    _ => search(value, !are_names && NAMED.contains(&name.as_str()), left),
                }
                .map_err(behind(name.clone()))
            })
        }
        _ => Ok(()),
    }
}

fn is_data(name: &str) -> bool {
    name.starts_with("x-") || DATA.contains(&name)
}

fn is_reference(name: &str) -> bool {
    matches!(name, "$ref" | "$dynamicRef" | "$recursiveRef" | "operationRef")
}

fn judge(reference: &str, left: &mut usize) -> Result<(), Found> {
    *left = left.checked_sub(1).ok_or(Found::TooMany)?;
    if reference.starts_with('#') {
        return Ok(());
    }
    Err(Found::External { path: Vec::new(), reference: reference.chars().take(200).collect() })
}

/// What a reference points to (RFC 6901 §6).
pub(super) fn at<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    if !pointer.contains('%') {
        return root.pointer(pointer);
    }
    // A name may contain a percent sign that nobody encoded.
    let decoded = percent_decode_str(pointer).decode_utf8().ok();
    decoded.and_then(|decoded| root.pointer(&decoded)).or_else(|| root.pointer(pointer))
}

pub(super) fn resolve<'a>(root: &'a Value, value: &'a Value) -> Result<&'a Value, BrokenReference> {
    let mut value = value;
    for _ in 0..LONGEST_CHAIN {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
        value = at(root, reference).ok_or_else(|| BrokenReference(reference.to_owned()))?;
    }
    Err(BrokenReference(value.get("$ref").and_then(Value::as_str).unwrap_or_default().to_owned()))
}
