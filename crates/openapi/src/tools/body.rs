//! The body of a request: in which form it is sent, and what of it is a model's business.

use serde_json::{Map, Value, json};

use super::Chosen;
use super::arguments::{Arguments, BODY, Context};
use crate::text::slim;
use crate::{BoundBody, Document, MediaType, RequestBody, Warning};

/// In which way a media type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Json,
    Urlencoded,
    Multipart,
    Text,
    Bytes,
}

impl Form {
    fn of(media_type: &MediaType) -> Option<Self> {
        let name = media_type.name.as_str();
        match name {
            "application/json" | "text/json" | "*/*" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            "multipart/form-data" => Some(Self::Multipart),
            _ if name.ends_with("+json") => Some(Self::Json),
            _ if name.ends_with("/xml") || name.ends_with("+xml") || name.starts_with("multipart/") => None,
            _ if name.starts_with("text/") => Some(Self::Text),
            _ => Some(Self::Bytes),
        }
    }
}

/// Puts the body in, in the first form that can be written.
pub(super) fn bind(
    arguments: &mut Arguments,
    chosen: &Chosen<'_>,
    document: &Document,
    context: &mut Context<'_, '_>,
) -> Result<Option<BoundBody>, String> {
    let Some(body) = &chosen.operation.body else { return Ok(None) };
    let Some((form, media_type)) = preferred(body) else {
        return cannot_be_written(body);
    };
    let mut schema = schema(form, media_type, document, context);
    describe(&mut schema, body, context);
    let mut bound = BoundBody {
        media_type: if media_type.name == "*/*" {
            "application/json".to_owned()
        } else {
            media_type.name.clone()
        },
        member: Some(BODY.to_owned()),
        required: body.required,
        fixed: Map::new(),
        defaults: Map::new(),
        encoding: media_type.encoding.clone(),
    };
    tune(&mut schema, &mut bound, arguments, chosen, context)?;
    if bound.member.is_some() {
        if body.required {
            arguments.required.push(BODY.to_owned());
        }
        arguments.properties.insert(BODY.to_owned(), schema);
    }
    Ok(Some(bound))
}

fn preferred(body: &RequestBody) -> Option<(Form, &MediaType)> {
    let forms = body.content.iter().filter_map(|media_type| Some((Form::of(media_type)?, media_type)));
    // `application/json` before its relatives.
    forms.min_by_key(|(form, media_type)| (*form, media_type.name != "application/json"))
}

/// A body that need not be sent is not sent.
fn cannot_be_written(body: &RequestBody) -> Result<Option<BoundBody>, String> {
    if !body.required {
        return Ok(None);
    }
    let names: Vec<_> = body.content.iter().map(|media_type| media_type.name.as_str()).collect();
    let names = if names.is_empty() { "no media type".to_owned() } else { names.join(", ") };
    Err(format!("its body is {names}, which cannot be written from arguments"))
}

fn schema(form: Form, media_type: &MediaType, document: &Document, context: &mut Context<'_, '_>) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Form::Json | Form::Urlencoded | Form::Multipart => {
            let Some(schema) = &media_type.schema else { return json!({}) };
            // The top of a body is written in place, because settings speak of its members.
            let schema = document.resolve(schema).unwrap_or(schema);
            match context.schemas.convert(schema) {
                Value::Object(mut members) => {
                    close(&mut members);
                    Value::Object(members)
                }
                _ => json!({}),
            }
        }
    }
}

/// An object whose members are listed has no others (OA-05), unless the document says so or something else adds to them.
fn close(schema: &mut Map<String, Value>) {
    let open = [
        "additionalProperties",
        "unevaluatedProperties",
        "patternProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
    ];
    let is_plain =
        schema.get("properties").is_some() && !open.iter().any(|keyword| schema.contains_key(*keyword));
    if is_plain {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn describe(schema: &mut Value, body: &RequestBody, context: &Context<'_, '_>) {
    let Some(description) = &body.description else { return };
    let description = slim(description, context.slimming.parameter_description);
    if schema.get("description").is_none() && !description.is_empty() {
        schema["description"] = description.into();
    }
}

/// Takes out what the settings hide or fix.
fn tune(
    schema: &mut Value,
    bound: &mut BoundBody,
    arguments: &mut Arguments,
    chosen: &Chosen<'_>,
    context: &mut Context<'_, '_>,
) -> Result<(), String> {
    let tuning = &chosen.tuning;
    arguments.known.insert(BODY.to_owned());
    if tuning.conceals(BODY) {
        return conceal_all(bound, chosen);
    }
    let names: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    for name in &names {
        let key = format!("{BODY}.{name}");
        if let Some(value) = tuning.default.get(&key) {
            bound.defaults.insert(name.clone(), value.clone());
            schema["properties"][name.as_str()]["default"] = value.clone();
            let_go(schema, name);
        }
        if let Some(text) = tuning.descriptions.get(&key) {
            schema["properties"][name.as_str()]["description"] = text.clone().into();
        }
        if tuning.conceals(&key) {
            if is_required(schema, name) && !tuning.fix.contains_key(&key) {
                return Err(format!("{key} is hidden and required: give it a value by fix.\"{key}\""));
            }
            let_go(schema, name);
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove(name);
            }
        }
        arguments.known.insert(key);
    }
    // Members that are not listed can be fixed all the same.
    let fixed = tuning.fix.iter().filter_map(|(key, value)| Some((key.strip_prefix("body.")?, value)));
    for (name, value) in fixed {
        bound.fixed.insert(name.to_owned(), value.clone());
        arguments.known.insert(format!("{BODY}.{name}"));
    }
    let nothing_is_left =
        !names.is_empty() && schema.get("properties").is_some_and(|left| left == &json!({}));
    if nothing_is_left {
        bound.member = None;
    }
    warn_of_open(schema, chosen, context);
    Ok(())
}

fn conceal_all(bound: &mut BoundBody, chosen: &Chosen<'_>) -> Result<(), String> {
    bound.member = None;
    match chosen.tuning.fix.get(BODY) {
        Some(Value::Object(members)) => bound.fixed.clone_from(members),
        Some(_) => return Err("fix.body is a table".to_owned()),
        None if bound.required => {
            return Err("body is hidden and required: give it a value by fix.body".to_owned());
        }
        None => {}
    }
    Ok(())
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().any(|required| required == name)
}

fn let_go(schema: &mut Value, name: &str) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|required| required != name);
    }
}

/// What is fixed can be hidden only where the members are listed.
fn warn_of_open(schema: &Value, chosen: &Chosen<'_>, context: &mut Context<'_, '_>) {
    let speaks_of_members = chosen.tuning.parameters().any(|name| name.starts_with("body."));
    if speaks_of_members && schema.get("properties").is_none() && schema.get("anyOf").is_some() {
        context.warnings.push(Warning::Schema {
            operation: chosen.operation.place(),
            what: "its body has alternatives, so that its members cannot be hidden one by one".to_owned(),
        });
    }
}
