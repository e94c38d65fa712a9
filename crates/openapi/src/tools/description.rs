//! What a model reads about a tool before it looks at its parameters.

use http::Method;
use serde_json::{Map, Value, json};

use super::Chosen;
use crate::text::slim;
use crate::{Operation, Slimming};

/// The longest title, in bytes.
const LONGEST_TITLE: usize = 120;

/// A name for people: the summary.
pub(super) fn title(operation: &Operation) -> Option<String> {
    let title = slim(operation.summary.as_deref()?, LONGEST_TITLE).replace('\n', " ");
    (!title.is_empty()).then_some(title)
}

/// Summary and description, or method and path when the document says nothing.
pub(super) fn description(chosen: &Chosen<'_>, slimming: &Slimming) -> String {
    if let Some(description) = &chosen.tuning.description {
        return description.clone();
    }
    let operation = chosen.operation;
    let plain = |text: &Option<String>| slim(text.as_deref().unwrap_or_default(), slimming.tool_description);
    let (summary, description) = (plain(&operation.summary), plain(&operation.description));
    let said = match (summary.as_str(), description.as_str()) {
        ("", "") => operation.place(),
        (summary, "") => summary.to_owned(),
        (summary, description) if description.starts_with(summary.trim_end_matches('.')) => {
            description.to_owned()
        }
        (summary, description) => slim(&format!("{summary}\n{description}"), slimming.tool_description),
    };
    if operation.deprecated { format!("Deprecated. {said}") } else { said }
}

/// What the method promises (RFC 9110 §9.2). Of a POST nothing is known.
pub(super) fn annotations(method: &Method) -> Map<String, Value> {
    let is_safe = method.is_safe();
    let annotations = json!({
        "readOnlyHint": is_safe,
        "destructiveHint": !is_safe,
        "idempotentHint": method.is_idempotent(),
        "openWorldHint": true,
    });
    Map::from_iter([("annotations".to_owned(), annotations)])
}
