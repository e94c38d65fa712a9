//! Swagger 2.0: the same operations, written otherwise. Parameters have their schema in themselves, a body and the fields
//! of a form are parameters too, and media types stand apart.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::read::{MOST_MEDIA_TYPES, PathItem, default_style, essence, location};
use super::{Encoding, Location, MediaType, Parameter, RequestBody, Style};
use crate::document::BrokenReference;

const MULTIPART: &str = "multipart/form-data";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Members of a parameter that are not of its schema.
const NOT_OF_THE_SCHEMA: [&str; 6] =
    ["name", "in", "description", "required", "collectionFormat", "allowEmptyValue"];

/// Parameters and body of an operation.
pub(super) fn inputs(
    item: &PathItem<'_>,
    operation: &Map<String, Value>,
) -> Result<(Vec<Parameter>, Option<RequestBody>), BrokenReference> {
    let objects = item.parameter_objects(operation)?;
    let place = |object: &&Value| object.get("in").and_then(Value::as_str).unwrap_or_default().to_owned();
    let parameters = objects.iter().filter_map(|object| parameter(object)).collect();
    let consumes = media_types(item.document.root(), operation, "consumes");
    let fields: Vec<_> = objects.iter().copied().filter(|object| place(object) == "formData").collect();
    let body = match objects.iter().find(|object| place(object) == "body") {
        Some(body) => Some(whole_body(body, consumes)),
        None if fields.is_empty() => None,
        None => Some(form(&fields, &consumes)),
    };
    Ok((parameters, body))
}

/// What a successful answer consists of.
pub(super) fn answer(root: &Value, operation: &Map<String, Value>, response: &Value) -> Vec<MediaType> {
    let Some(schema) = response.get("schema") else { return Vec::new() };
    let names = media_types(root, operation, "produces");
    names
        .into_iter()
        .map(|name| MediaType { name, schema: Some(schema.clone()), encoding: BTreeMap::new() })
        .collect()
}

fn media_types(root: &Value, operation: &Map<String, Value>, member: &str) -> Vec<String> {
    let list = operation.get(member).or_else(|| root.get(member)).and_then(Value::as_array);
    let names = list.into_iter().flatten().filter_map(Value::as_str).map(essence);
    let names: Vec<_> = names.take(MOST_MEDIA_TYPES).collect();
    if names.is_empty() { vec![JSON.to_owned()] } else { names }
}

fn parameter(object: &Value) -> Option<Parameter> {
    let location = location(object.get("in")?.as_str()?)?;
    let (style, explode) = collection_style(object, location);
    Some(Parameter {
        name: object.get("name")?.as_str()?.to_owned(),
        location,
        description: object.get("description").and_then(Value::as_str).map(str::to_owned),
        required: location == Location::Path || is_required(object),
        style,
        explode,
        allow_reserved: false,
        content: None,
        schema: schema_of(object),
    })
}

fn is_required(object: &Value) -> bool {
    object.get("required").and_then(Value::as_bool).unwrap_or(false)
}

/// `collectionFormat`, as style and explode of version 3.
fn collection_style(object: &Value, location: Location) -> (Style, bool) {
    match object.get("collectionFormat").and_then(Value::as_str) {
        Some("ssv") => (Style::SpaceDelimited, false),
        Some("tsv") => (Style::TabDelimited, false),
        Some("pipes") => (Style::PipeDelimited, false),
        Some("multi") => (Style::Form, true),
        _ => (default_style(location), false),
    }
}

fn schema_of(object: &Value) -> Value {
    let members = object.as_object().into_iter().flatten();
    let of_the_schema = members.filter(|(name, _)| !NOT_OF_THE_SCHEMA.contains(&name.as_str()));
    Value::Object(of_the_schema.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn whole_body(body: &Value, consumes: Vec<String>) -> RequestBody {
    let media_type =
        |name| MediaType { name, schema: body.get("schema").cloned(), encoding: BTreeMap::new() };
    RequestBody {
        description: body.get("description").and_then(Value::as_str).map(str::to_owned),
        required: is_required(body),
        content: consumes.into_iter().map(media_type).collect(),
    }
}

/// The fields of a form, as an object.
fn form(fields: &[&Value], consumes: &[String]) -> RequestBody {
    let has_file = fields.iter().any(|field| field.get("type").and_then(Value::as_str) == Some("file"));
    let is_multipart = has_file || consumes.iter().any(|name| name == MULTIPART);
    let named = || fields.iter().filter_map(|field| Some((field.get("name")?.as_str()?, *field)));
    let properties: Map<_, _> = named().map(|(name, field)| (name.to_owned(), field_schema(field))).collect();
    let required: Vec<_> = named().filter(|(_, field)| is_required(field)).map(|(name, _)| name).collect();
    let encoding = named().filter(|(_, field)| field.get("collectionFormat").is_some());
    let encoding = encoding.map(|(name, field)| {
        let (style, explode) = collection_style(field, Location::Query);
        (name.to_owned(), Encoding { style: Some(style), explode: Some(explode), ..Encoding::default() })
    });
    RequestBody {
        description: None,
        required: !required.is_empty(),
        content: vec![MediaType {
            name: if is_multipart { MULTIPART } else { FORM }.to_owned(),
            encoding: encoding.collect(),
            schema: Some(json!({ "type": "object", "properties": properties, "required": required })),
        }],
    }
}

fn field_schema(field: &Value) -> Value {
    let mut schema = schema_of(field);
    if let Some(description) = field.get("description") {
        schema["description"] = description.clone();
    }
    schema
}
