//! Operations of `OpenAPI` 3, read from the document as it is: what is not of the standard's form costs one operation, and
//! not the document.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value};

use super::{Encoding, Location, MediaType, Operation, Parameter, RequestBody, Style, swagger};
use crate::document::{BrokenReference, Version, read_servers, requirements};
use crate::{Document, DocumentError, Warning};

/// The fixed fields of a path item that are methods (`OpenAPI` 3.2 §4.9). TRACE is none of a model's business.
const METHODS: [(&str, Method); 7] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
];

/// Statuses of success, the most telling first.
const SUCCESS: [&str; 7] = ["200", "201", "202", "203", "206", "2XX", "default"];

/// Media types of one body or answer that are looked at.
pub(super) const MOST_MEDIA_TYPES: usize = 16;

pub(crate) fn read_all(document: &Document) -> Result<(Vec<Operation>, Vec<Warning>), DocumentError> {
    let (mut operations, mut warnings) = (Vec::new(), Vec::new());
    let mut left = document.limits().compiled_values;
    let paths = document.root().get("paths").and_then(Value::as_object).into_iter().flatten();
    for (path, item) in paths.filter(|(path, _)| !path.starts_with("x-")) {
        match path_item(document, path, item) {
            Ok(item) => {
                for (method, operation) in item.operations() {
                    let read = item.measured(operation, &mut left);
                    match read.and_then(|()| item.read(method.clone(), operation).map_err(Unreadable::from)) {
                        Ok(operation) => operations.push(operation),
                        Err(unreadable) => warnings.push(left_out(&method, path, &unreadable)),
                    }
                }
            }
            Err(reason) => warnings.push(Warning::Path { path: path.clone(), reason }),
        }
        if operations.len() > document.limits().operations {
            return Err(DocumentError::TooMany { what: "operations", limit: document.limits().operations });
        }
    }
    Ok((operations, warnings))
}

/// Why an operation cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Broken(#[from] BrokenReference),
    #[error("its parameters, body and answer are larger than those of a tool may be")]
    TooLarge,
}

fn left_out(method: &Method, path: &str, unreadable: &Unreadable) -> Warning {
    Warning::LeftOut { operation: format!("{method} {path}"), reason: unreadable.to_string() }
}

/// A path item (`OpenAPI` 3.1 §4.8.9) while its operations are read.
pub(super) struct PathItem<'a> {
    pub(super) document: &'a Document,
    pub(super) path: &'a str,
    item: &'a Map<String, Value>,
}

fn path_item<'a>(document: &'a Document, path: &'a str, item: &'a Value) -> Result<PathItem<'a>, String> {
    if !path.starts_with('/') {
        return Err("a path begins with /".to_owned());
    }
    let item = document.resolve(item).map_err(|broken| broken.to_string())?;
    let item = item.as_object().ok_or("a path item is an object")?;
    Ok(PathItem { document, path, item })
}

impl<'a> PathItem<'a> {
    fn operations(&self) -> impl Iterator<Item = (Method, &'a Map<String, Value>)> + use<'a> {
        let item = self.item;
        METHODS.into_iter().filter_map(move |(name, method)| Some((method, item.get(name)?.as_object()?)))
    }

    /// What an operation consists of is copied, and a part that a thousand operations share a thousand times: so it is
    /// measured before.
    fn measured(&self, operation: &'a Map<String, Value>, left: &mut usize) -> Result<(), Unreadable> {
        let mut mine = self.document.limits().schema_values.min(*left);
        let before = mine;
        let parameters = [self.item.get("parameters"), operation.get("parameters")];
        let parameters = parameters.into_iter().flatten().filter_map(Value::as_array).flatten();
        let sent = parameters.chain(operation.get("requestBody")).map(|part| (part, 1));
        // The answers of Swagger 2 have their schema once, and their media types elsewhere.
        let times = if self.document.version() == Version::Two { MOST_MEDIA_TYPES } else { 1 };
        let responses = operation.get("responses");
        let answered = SUCCESS.iter().filter_map(|status| Some((responses?.get(*status)?, times)));
        for (part, times) in sent.chain(answered) {
            let part = self.document.resolve(part)?;
            mine = mine.checked_sub(1).ok_or(Unreadable::TooLarge)?;
            for copied in ["schema", "content"].iter().filter_map(|member| part.get(*member)) {
                mine = spent(copied, mine, times).ok_or(Unreadable::TooLarge)?;
            }
        }
        *left -= before - mine;
        Ok(())
    }

    fn read(&self, method: Method, operation: &'a Map<String, Value>) -> Result<Operation, BrokenReference> {
        let text = |member: &str| operation.get(member).and_then(Value::as_str).map(str::to_owned);
        let (parameters, body) = match self.document.version() {
            Version::Two => swagger::inputs(self, operation)?,
            Version::Three | Version::ThreeOne => (self.parameters(operation)?, self.body(operation)?),
        };
        let tags = operation.get("tags").and_then(Value::as_array).into_iter().flatten();
        let security = operation.get("security").or_else(|| self.document.root().get("security"));
        Ok(Operation {
            method,
            path: self.path.to_owned(),
            operation_id: text("operationId").filter(|id| !id.is_empty()),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            summary: text("summary").or_else(|| self.text("summary")),
            description: text("description").or_else(|| self.text("description")),
            deprecated: operation.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
            parameters,
            body,
            response: self.response(operation)?,
            security: requirements(security),
            servers: read_servers(operation.get("servers").or_else(|| self.item.get("servers"))),
        })
    }

    fn text(&self, member: &str) -> Option<String> {
        self.item.get(member).and_then(Value::as_str).map(str::to_owned)
    }

    /// The parameter objects of the path item and of the operation; the latter replace the former.
    pub(super) fn parameter_objects(
        &self,
        operation: &'a Map<String, Value>,
    ) -> Result<Vec<&'a Value>, BrokenReference> {
        let mut found: Vec<&Value> = Vec::new();
        for list in [self.item.get("parameters"), operation.get("parameters")] {
            for parameter in list.and_then(Value::as_array).into_iter().flatten() {
                let parameter = self.document.resolve(parameter)?;
                let key = |parameter: &'a Value| (parameter.get("name"), parameter.get("in"));
                match found.iter_mut().find(|other| key(other) == key(parameter)) {
                    Some(earlier) => *earlier = parameter,
                    None => found.push(parameter),
                }
            }
        }
        Ok(found)
    }

    fn parameters(&self, operation: &'a Map<String, Value>) -> Result<Vec<Parameter>, BrokenReference> {
        Ok(self.parameter_objects(operation)?.into_iter().filter_map(parameter).collect())
    }

    fn body(&self, operation: &'a Map<String, Value>) -> Result<Option<RequestBody>, BrokenReference> {
        let Some(body) = operation.get("requestBody") else { return Ok(None) };
        let body = self.document.resolve(body)?;
        Ok(Some(RequestBody {
            description: body.get("description").and_then(Value::as_str).map(str::to_owned),
            required: body.get("required").and_then(Value::as_bool).unwrap_or(false),
            content: content(body.get("content")),
        }))
    }

    fn response(&self, operation: &'a Map<String, Value>) -> Result<Vec<MediaType>, BrokenReference> {
        let responses = operation.get("responses");
        for status in SUCCESS {
            let Some(response) = responses.and_then(|responses| responses.get(status)) else { continue };
            let response = self.document.resolve(response)?;
            let content = match self.document.version() {
                Version::Two => swagger::answer(self.document.root(), operation, response),
                Version::Three | Version::ThreeOne => content(response.get("content")),
            };
            if !content.is_empty() {
                return Ok(content);
            }
        }
        Ok(Vec::new())
    }
}

fn parameter(parameter: &Value) -> Option<Parameter> {
    let location = location(parameter.get("in")?.as_str()?)?;
    // The value of a parameter with `content` is written in that media type.
    let content =
        parameter.get("content").and_then(Value::as_object).and_then(|content| content.iter().next());
    let style = parameter.get("style").and_then(Value::as_str).and_then(style);
    let style = style.unwrap_or(default_style(location));
    let is_true = |member: &str| parameter.get(member).and_then(Value::as_bool);
    let schema = content.map_or(parameter.get("schema"), |(_, content)| content.get("schema"));
    Some(Parameter {
        name: parameter.get("name")?.as_str()?.to_owned(),
        location,
        description: parameter.get("description").and_then(Value::as_str).map(str::to_owned),
        required: location == Location::Path || is_true("required").unwrap_or(false),
        style,
        explode: is_true("explode").unwrap_or(matches!(style, Style::Form | Style::DeepObject)),
        allow_reserved: is_true("allowReserved").unwrap_or(false),
        content: content.map(|(name, _)| essence(name)),
        schema: schema_of(parameter, schema),
    })
}

/// The schema, with the header of MCP that the parameter may ask for.
fn schema_of(parameter: &Value, schema: Option<&Value>) -> Value {
    let mut schema = schema.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    if let (Some(header), Some(members)) = (parameter.get("x-mcp-header"), schema.as_object_mut()) {
        members.insert("x-mcp-header".to_owned(), header.clone());
    }
    schema
}

pub(super) fn location(text: &str) -> Option<Location> {
    match text {
        "path" => Some(Location::Path),
        "query" => Some(Location::Query),
        "header" => Some(Location::Header),
        "cookie" => Some(Location::Cookie),
        _ => None,
    }
}

pub(super) fn default_style(location: Location) -> Style {
    match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    }
}

fn style(text: &str) -> Option<Style> {
    match text {
        "matrix" => Some(Style::Matrix),
        "label" => Some(Style::Label),
        "simple" => Some(Style::Simple),
        "form" => Some(Style::Form),
        "spaceDelimited" => Some(Style::SpaceDelimited),
        "pipeDelimited" => Some(Style::PipeDelimited),
        "deepObject" => Some(Style::DeepObject),
        _ => None,
    }
}

fn content(content: Option<&Value>) -> Vec<MediaType> {
    let content = content.and_then(Value::as_object).into_iter().flatten();
    let media_type = |(name, media_type): (&String, &Value)| MediaType {
        name: essence(name),
        schema: media_type.get("schema").cloned(),
        encoding: encoding(media_type.get("encoding")),
    };
    content.take(MOST_MEDIA_TYPES).map(media_type).collect()
}

/// What is left of a budget after a value, `times` over; `None` when that is less than nothing.
fn spent(value: &Value, left: usize, times: usize) -> Option<usize> {
    let mut left = left.checked_sub(times)?;
    match value {
        Value::Array(values) => {
            for value in values {
                left = spent(value, left, times)?;
            }
        }
        // Examples stand beside schemas, and are not copied.
        Value::Object(members) => {
            for (_, value) in
                members.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples"))
            {
                left = spent(value, left, times)?;
            }
        }
        _ => {}
    }
    Some(left)
}

/// A media type without its parameters.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn encoding(encoding: Option<&Value>) -> BTreeMap<String, Encoding> {
    let members = encoding.and_then(Value::as_object).into_iter().flatten();
    let read = |(name, member): (&String, &Value)| {
        let encoding = Encoding {
            content_type: member.get("contentType").and_then(Value::as_str).map(str::to_owned),
            style: member.get("style").and_then(Value::as_str).and_then(style),
            explode: member.get("explode").and_then(Value::as_bool),
            allow_reserved: member.get("allowReserved").and_then(Value::as_bool).unwrap_or(false),
        };
        (name.clone(), encoding)
    };
    members.map(read).collect()
}
