//! The arguments of a call: held against the input schema before anything is sent (OA-05).
//!
//! They are read twice. The validator sees values, in which a number of more than 64 bits is the nearest one that fits;
//! what is sent is the text as it came, so that no number changes on its way.

use std::borrow::Cow;

use mcp::json::Object;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use exact::{Exact, compact, respelled};
pub(crate) use validator::Validator;

mod budget;
mod exact;
mod validator;

/// Why a call is refused before anything is sent. The text is for a model: it names the argument and says what is wrong
/// with it, and does not repeat long values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The call was not made, because its arguments are not valid. {0}")]
pub struct InvalidArguments(String);

impl InvalidArguments {
    /// What is wrong with `argument`.
    pub(crate) fn of(argument: &str, what: impl std::fmt::Display) -> Self {
        Self(format!("{}: {what}.", shown(argument)))
    }

    /// What is wrong with all of them.
    pub(crate) fn all(what: impl std::fmt::Display) -> Self {
        Self(format!("{what}."))
    }

    /// Several things that are wrong.
    pub(crate) fn several(errors: Vec<Self>) -> Self {
        Self(errors.into_iter().map(|error| error.0).collect::<Vec<_>>().join(" "))
    }
}

/// The longest text that is repeated of a call, in bytes.
const LONGEST_SHOWN: usize = 200;

/// A text of a call as it may be repeated: short and without characters that nobody sees.
pub(crate) fn shown(text: &str) -> String {
    let seen: String = text
        .chars()
        .filter(|character| !character.is_control() && !crate::text::is_hidden(*character))
        .collect();
    if seen.len() <= LONGEST_SHOWN {
        return seen;
    }
    format!("{}…", &seen[..seen.floor_char_boundary(LONGEST_SHOWN)])
}

/// The arguments of one call.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    members: Object<'a>,
    value: Value,
}

impl<'a> Arguments<'a> {
    pub(crate) fn read(arguments: Option<&'a RawValue>) -> Result<Self, InvalidArguments> {
        let text = arguments.map_or("{}", RawValue::get);
        let value: Value = serde_json::from_str(text).map_err(|_| {
            InvalidArguments::all("They cannot be read: a number is too large, or they are no JSON")
        })?;
        let members =
            Object::read(text, &[]).map_err(|_| InvalidArguments::all("They must be one JSON object"))?;
        // Such a member changes what an object is where a careless reader of JavaScript copies it.
        if has_prototype(&value) {
            return Err(InvalidArguments::of("__proto__", "no member may be called so"));
        }
        Ok(Self { members, value })
    }

    /// The raw value of an argument; `None` when it is absent.
    pub(crate) fn get(&self, member: &str) -> Option<&'a RawValue> {
        self.members.get(member)
    }
}

fn has_prototype(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(has_prototype),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name == "__proto__" || has_prototype(value))
        }
        _ => false,
    }
}

/// Raw text as it stands in JSON, of a value that the configuration or the document gives.
pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value has string keys")
}

/// The text between quotes, or the text of a number or `true` as it came.
pub(crate) fn written(value: &RawValue) -> Cow<'_, str> {
    match mcp::json::string(value) {
        Some(text) => text,
        None => compact(value.get()),
    }
}

#[cfg(test)]
mod tests;
