//! What a caller may say to the demo server: the arguments of its tools, which are the bodies of its API.

use std::borrow::Cow;

use mcp::json::{self, Malformed, Object};
use serde_json::value::RawValue;

/// Characters of an item's name.
const NAME_LENGTH: usize = 200;
/// Bytes of an item's value, which is kept in the digits it came with.
const VALUE_LENGTH: usize = 40;

/// One thing that the demo server can be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Authenticate,
    Profile,
    List,
    Create(NewItem<'a>),
    Update(i64, NewItem<'a>),
    Delete(i64),
}

/// Name and value of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewItem<'a> {
    pub(super) name: Cow<'a, str>,
    /// A JSON number as text.
    pub(super) value: &'a str,
}

/// Why arguments are refused. The texts are written for the model or person who has to mend them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidArguments {
    #[error("the arguments must be a JSON object")]
    NotAnObject,
    #[error("an argument is not known here; {0}")]
    Unexpected(String),
    #[error("\"{0}\" is required")]
    Missing(&'static str),
    #[error("\"{0}\" must be {1}")]
    Type(&'static str, &'static str),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Arguments whose names are all known.
pub(super) struct Arguments<'a>(Object<'a>);

impl<'a> Arguments<'a> {
    /// Reads the arguments of something that takes `parameters`; none at all counts as an empty object.
    pub(super) fn read(raw: Option<&'a RawValue>, parameters: &[&str]) -> Result<Self, InvalidArguments> {
        let Some(raw) = raw else { return Ok(Self(Object::default())) };
        if !json::is_object(raw) {
            return Err(InvalidArguments::NotAnObject);
        }
        let object = Object::read(raw.get(), parameters)?;
        if object.iter().any(|(name, _)| !parameters.contains(&name)) {
            let known = match parameters {
                [] => "there are no arguments".to_owned(),
                parameters => format!("there are: {}", parameters.join(", ")),
            };
            return Err(InvalidArguments::Unexpected(known));
        }
        Ok(Self(object))
    }

    /// `name` and `value`.
    pub(super) fn new_item(&self) -> Result<NewItem<'a>, InvalidArguments> {
        let expected = "a string of 1 to 200 characters without control characters";
        let name = json::string(self.required("name")?)
            .filter(|name| {
                !name.is_empty() && name.chars().count() <= NAME_LENGTH && !name.chars().any(char::is_control)
            })
            .ok_or(InvalidArguments::Type("name", expected))?;
        let value = self.required("value")?.get();
        let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if !is_number || value.len() > VALUE_LENGTH {
            return Err(InvalidArguments::Type("value", "a number of at most 40 characters"));
        }
        Ok(NewItem { name, value })
    }

    /// `item_id`, as a number or as the same digits in a string.
    pub(super) fn item_id(&self) -> Result<i64, InvalidArguments> {
        let raw = self.required("item_id")?;
        let text = json::string(raw).unwrap_or(Cow::Borrowed(raw.get()));
        item_id(&text).ok_or(InvalidArguments::Type("item_id", "the id of an item, as get_data gives it"))
    }

    fn required(&self, name: &'static str) -> Result<&'a RawValue, InvalidArguments> {
        self.0.get(name).ok_or(InvalidArguments::Missing(name))
    }
}

/// An id as it stands in a path or an argument: decimal digits in their one spelling, so that nobody can name an item
/// past a rule that looks at the text.
pub(super) fn item_id(unverified: &str) -> Option<i64> {
    let is_spelled_plainly =
        unverified.bytes().all(|byte| byte.is_ascii_digit()) && !unverified.starts_with('0');
    is_spelled_plainly.then(|| unverified.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::tools::DemoTool;

    fn judge(tool: DemoTool, arguments: &str) -> Result<String, String> {
        let raw: &RawValue = serde_json::from_str(arguments).unwrap();
        tool.operation(Some(raw)).map(|operation| format!("{operation:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_are_held_against_the_schema() {
        for (tool, arguments, message) in [
            (DemoTool::List, "[]", "the arguments must be a JSON object"),
            (DemoTool::List, r#"{"x":1}"#, "an argument is not known here; there are no arguments"),
            (DemoTool::Create, r#"{"name":"a"}"#, "\"value\" is required"),
            (DemoTool::Create, r#"{"value":1}"#, "\"name\" is required"),
            (
                DemoTool::Create,
                r#"{"name":"a","value":"1"}"#,
                "\"value\" must be a number of at most 40 characters",
            ),
            (
                DemoTool::Create,
                r#"{"name":"a","value":null}"#,
                "\"value\" must be a number of at most 40 characters",
            ),
            (
                DemoTool::Create,
                r#"{"name":7,"value":1}"#,
                "\"name\" must be a string of 1 to 200 characters without control characters",
            ),
            (
                DemoTool::Create,
                r#"{"name":"a\u0000","value":1}"#,
                "\"name\" must be a string of 1 to 200 characters without control characters",
            ),
            (
                DemoTool::Create,
                r#"{"name":"a","value":1,"id":7}"#,
                "an argument is not known here; there are: name, value",
            ),
            (
                DemoTool::Delete,
                r#"{"item_id":1.5}"#,
                "\"item_id\" must be the id of an item, as get_data gives it",
            ),
            (
                DemoTool::Delete,
                r#"{"item_id":"../1"}"#,
                "\"item_id\" must be the id of an item, as get_data gives it",
            ),
            (
                DemoTool::Delete,
                r#"{"item_id":"01"}"#,
                "\"item_id\" must be the id of an item, as get_data gives it",
            ),
            (
                DemoTool::Delete,
                r#"{"item_id":""}"#,
                "\"item_id\" must be the id of an item, as get_data gives it",
            ),
            (
                DemoTool::Delete,
                r#"{"item_id":99999999999999999999}"#,
                "\"item_id\" must be the id of an item, as get_data gives it",
            ),
        ] {
            assert_eq!(judge(tool, arguments), Err(message.to_owned()), "{arguments}");
        }
        assert!(judge(DemoTool::Delete, r#"{"Item_Id":1}"#).unwrap_err().contains("looks like"));
    }

    #[test]
    fn values_keep_their_digits() {
        for (tool, arguments, operation) in [
            (
                DemoTool::Create,
                r#"{"name":"a","value":1.50}"#,
                r#"Create(NewItem { name: "a", value: "1.50" })"#,
            ),
            (
                DemoTool::Update,
                r#"{"value":-7,"name":"é","item_id":"2"}"#,
                r#"Update(2, NewItem { name: "é", value: "-7" })"#,
            ),
            (DemoTool::Delete, r#"{"item_id":3}"#, "Delete(3)"),
        ] {
            assert_eq!(judge(tool, arguments).as_deref(), Ok(operation));
        }
        assert_eq!(DemoTool::List.operation(None), Ok(Operation::List));
    }
}
