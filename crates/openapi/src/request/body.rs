//! Bodies: which form they take, and what of them is fixed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Uncallable, form, multipart};
use crate::arguments::{Arguments, Exact, InvalidArguments, raw};
use crate::{BoundBody, Encoding};

/// The largest body, in bytes. Forms grow while they are written.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;
/// The longest name of a member of a form, in bytes.
const LONGEST_NAME: usize = 1024;
/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In which way a media type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Urlencoded,
    Multipart,
    Text,
    Bytes,
}

impl Form {
    fn of(media_type: &str) -> Self {
        match media_type {
            "application/json" | "text/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Urlencoded,
            "multipart/form-data" => Self::Multipart,
            _ if media_type.ends_with("+json") => Self::Json,
            _ if media_type.starts_with("text/") => Self::Text,
            _ => Self::Bytes,
        }
    }
}

/// How the body of a tool is written.
#[derive(Debug)]
pub(super) struct BodyTemplate {
    form: Form,
    content_type: HeaderValue,
    /// The argument that is the body.
    member: Option<String>,
    fixed: Vec<(String, Box<RawValue>)>,
    defaults: Vec<(String, Box<RawValue>)>,
    encoding: BTreeMap<String, Encoding>,
    /// Members that are bytes, in base64.
    binary: BTreeSet<String>,
}

/// A member of a body on its way out.
pub(super) type Member<'a> = (Cow<'a, str>, &'a RawValue);

impl BodyTemplate {
    /// `schema` is the input schema.
    pub(super) fn compile(body: &BoundBody, schema: &Value) -> Result<Self, Uncallable> {
        let form = Form::of(&body.media_type);
        let content_type = match form {
            Form::Text => format!("{}; charset=utf-8", body.media_type),
            _ => body.media_type.clone(),
        };
        let content_type = HeaderValue::from_str(&content_type)
            .map_err(|_| Uncallable::Parameter("body".to_owned(), "its media type is not one"))?;
        let raws = |members: &Map<String, Value>| {
            members.iter().map(|(name, value)| (name.clone(), raw(value))).collect()
        };
        let own = body.member.as_deref().and_then(|member| schema.get("properties")?.get(member));
        Ok(Self {
            form,
            content_type,
            member: body.member.clone(),
            fixed: raws(&body.fixed),
            defaults: raws(&body.defaults),
            encoding: body.encoding.clone(),
            binary: own.map(|own| binary_members(own, schema)).unwrap_or_default(),
        })
    }

    /// Content type and bytes; `None` when there is nothing to send.
    pub(super) fn write(
        &self,
        arguments: &Arguments<'_>,
    ) -> Result<Option<(HeaderValue, Vec<u8>)>, InvalidArguments> {
        let name = self.member.as_deref().unwrap_or("body");
        let given = self.member.as_deref().and_then(|member| arguments.get(member));
        if given.is_none() && self.fixed.is_empty() && self.defaults.is_empty() {
            return Ok(None);
        }
        let (content_type, bytes) = match self.form {
            Form::Json => (self.content_type.clone(), self.json(name, given)?),
            Form::Urlencoded => (
                self.content_type.clone(),
                form::write(&self.members(name, given)?, &self.encoding, name)?.into_bytes(),
            ),
            Form::Multipart => {
                multipart::write(&self.members(name, given)?, &self.encoding, &self.binary, name)?
            }
            Form::Text => (self.content_type.clone(), text(name, given)?.into_owned().into_bytes()),
            Form::Bytes => (self.content_type.clone(), decoded(name, &text(name, given)?)?),
        };
        if bytes.len() > LARGEST {
            return Err(InvalidArguments::of(
                name,
                format_args!("it is larger than a body may be, {LARGEST} bytes"),
            ));
        }
        Ok(Some((content_type, bytes)))
    }

    /// The text as it was checked, when nothing is fixed.
    fn json(&self, name: &str, given: Option<&RawValue>) -> Result<Vec<u8>, InvalidArguments> {
        match given {
            Some(given) if self.fixed.is_empty() && self.defaults.is_empty() => {
                Ok(given.get().as_bytes().to_vec())
            }
            given => {
                let mut json = b"{".to_vec();
                for (at, (name, value)) in self.members(name, given)?.into_iter().enumerate() {
                    if at > 0 {
                        json.push(b',');
                    }
                    json.extend(serde_json::to_vec(&name).expect("text is written to memory"));
                    json.push(b':');
                    json.extend_from_slice(value.get().as_bytes());
                }
                json.push(b'}');
                Ok(json)
            }
        }
    }

    /// What is fixed in the place of what was given, what was given, and defaults for what was not.
    fn members<'a>(
        &'a self,
        name: &str,
        given: Option<&'a RawValue>,
    ) -> Result<Vec<Member<'a>>, InvalidArguments> {
        let mut members: Vec<Member<'a>> = Vec::new();
        match given.map(Exact::read) {
            None => {}
            Some(Exact::Members(object)) => {
                let is_free = |name: &str| !self.fixed.iter().any(|(fixed, _)| fixed == name);
                let free = object.iter().filter(|(name, _)| is_free(name));
                members.extend(free.map(|(name, value)| (Cow::Owned(name.to_owned()), value)));
            }
            Some(_) => return Err(InvalidArguments::of(name, "it must be an object")),
        }
        for (name, value) in &self.fixed {
            members.push((Cow::Borrowed(name), value));
        }
        for (name, value) in &self.defaults {
            if !members.iter().any(|(there, _)| there == name) {
                members.push((Cow::Borrowed(name), value));
            }
        }
        Ok(members)
    }
}

fn text<'a>(name: &str, given: Option<&'a RawValue>) -> Result<Cow<'a, str>, InvalidArguments> {
    given.and_then(mcp::json::string).ok_or_else(|| InvalidArguments::of(name, "it must be a string"))
}

/// Refuses a name that is no name: it stands before every element of its member.
pub(super) fn is_short(name: &str, argument: &str) -> Result<(), InvalidArguments> {
    if name.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(InvalidArguments::of(argument, "the names of its members are too long"))
}

/// Bytes of base64.
pub(super) fn decoded(name: &str, text: &str) -> Result<Vec<u8>, InvalidArguments> {
    BASE64.decode(text.trim()).map_err(|_| InvalidArguments::of(name, "it must be bytes in base64"))
}

/// The members whose schema says base64, also those that are lists of such.
fn binary_members(body: &Value, schema: &Value) -> BTreeSet<String> {
    let body = resolved(body, schema);
    let properties = body.get("properties").and_then(Value::as_object).into_iter().flatten();
    let is_binary = |property: &Value| {
        let property = resolved(property, schema);
        let element = property.get("items").map_or(property, |items| resolved(items, schema));
        element.get("contentEncoding").is_some_and(|encoding| encoding == "base64")
    };
    properties.filter(|(_, property)| is_binary(property)).map(|(name, _)| name.clone()).collect()
}

/// What `#/$defs/NAME` refers to. A definition that is only another reference is rare, and is not followed further.
pub(super) fn resolved<'s>(value: &'s Value, schema: &'s Value) -> &'s Value {
    let reference =
        value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| schema.pointer(pointer)).unwrap_or(value)
}
