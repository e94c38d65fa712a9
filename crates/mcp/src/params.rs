//! The `params` of a request, and the `_meta` inside.

use std::borrow::Cow;

use serde_json::value::{RawValue, to_raw_value};

use crate::json::{self, Malformed, Object};
use crate::meta::Meta;

/// The members of any method's `params` that are read anywhere in the house; a look-alike of one is refused for
/// every method, so that no two readers can disagree about it.
const READ: [&str; 10] = [
    "name",
    "arguments",
    "uri",
    "_meta",
    "cursor",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "inputResponses",
    "requestState",
];

/// The parameters of a request, with `_meta` interpreted and the rest kept raw.
#[derive(Debug, Clone, Default)]
pub struct Params<'a> {
    object: Object<'a>,
    meta: Meta<'a>,
}

/// Why parameters are refused (-32602). The texts name members, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParams {
    /// `params` is not an object.
    #[error("\"params\" must be an object")]
    NotAnObject,
    /// A member has the wrong type.
    #[error("\"{member}\" must be {expected}")]
    Type {
        /// The member, as a path below `params`.
        member: &'static str,
        /// What it must be, in words.
        expected: &'static str,
    },
    /// A member that the method needs is absent.
    #[error("\"{0}\" is required")]
    Missing(&'static str),
    /// A member that could be taken for one that is read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl<'a> Params<'a> {
    /// Reads the raw `params` of a request; none at all counts as an empty object.
    pub fn read(params: Option<&'a RawValue>) -> Result<Self, InvalidParams> {
        let Some(raw) = params else { return Ok(Self::default()) };
        if !json::is_object(raw) {
            return Err(InvalidParams::NotAnObject);
        }
        let object = Object::read(raw.get(), &READ)?;
        let meta = object.get("_meta").map(Meta::read).transpose()?.unwrap_or_default();
        Ok(Self { object, meta })
    }

    /// The interpreted `_meta`; empty when the request has none.
    pub fn meta(&self) -> &Meta<'a> {
        &self.meta
    }

    /// The raw value of a member.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.object.get(name)
    }

    /// These parameters with another value for one member; everything else as it came.
    pub fn with(&self, name: &'static str, value: &RawValue) -> Box<RawValue> {
        let mut members = self.object.clone();
        members.set(name, value);
        to_raw_value(&members).expect("raw members cannot fail to serialise")
    }

    /// A member that must be a string when it is there.
    pub fn string(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, InvalidParams> {
        string(self.object.get(name), name)
    }

    /// A member that must be there and a string.
    pub fn required_string(&self, name: &'static str) -> Result<Cow<'a, str>, InvalidParams> {
        self.string(name)?.ok_or(InvalidParams::Missing(name))
    }

    /// A member that must be an object when it is there.
    pub fn object(&self, name: &'static str) -> Result<Option<&'a RawValue>, InvalidParams> {
        object(self.object.get(name), name)
    }
}

pub(crate) fn string<'a>(
    raw: Option<&'a RawValue>,
    member: &'static str,
) -> Result<Option<Cow<'a, str>>, InvalidParams> {
    raw.map(|raw| json::string(raw).ok_or(InvalidParams::Type { member, expected: "a string" })).transpose()
}

pub(crate) fn object<'a>(
    raw: Option<&'a RawValue>,
    member: &'static str,
) -> Result<Option<&'a RawValue>, InvalidParams> {
    match raw {
        Some(raw) if !json::is_object(raw) => Err(InvalidParams::Type { member, expected: "an object" }),
        raw => Ok(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(), InvalidParams> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        Params::read(Some(raw)).map(drop)
    }

    #[test]
    fn only_objects_without_look_alikes_pass() {
        assert_eq!(read("[1]"), Err(InvalidParams::NotAnObject));
        assert_eq!(read("null"), Err(InvalidParams::NotAnObject));
        assert!(read(r#"{"name":"ok","anything":[]}"#).is_ok());
        for text in [r#"{"name":"ok","Name":"danger"}"#, r#"{"name\u0000":"danger"}"#, r#"{"_META":{}}"#] {
            assert!(matches!(read(text), Err(InvalidParams::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn members_have_types() {
        let raw: &RawValue = serde_json::from_str(r#"{"name":7,"arguments":[]}"#).unwrap();
        let params = Params::read(Some(raw)).unwrap();
        assert_eq!(params.required_string("uri"), Err(InvalidParams::Missing("uri")));
        assert_eq!(params.string("name").unwrap_err().to_string(), "\"name\" must be a string");
        assert_eq!(params.object("arguments").unwrap_err().to_string(), "\"arguments\" must be an object");
    }
}
