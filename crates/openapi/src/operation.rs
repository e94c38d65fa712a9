//! Operations: what a document says can be called.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use crate::{SecurityRequirement, Server};

pub(crate) use read::read_all;

mod read;
mod swagger;
#[cfg(test)]
pub(crate) mod tests;

/// One operation of a document (`OpenAPI` 3.1 §4.8.10). References are resolved, but for those inside of schemas.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The HTTP method.
    pub method: Method,
    /// The path template, beginning with `/`.
    pub path: String,
    /// The document's own name, which may be absent, strange or not unique.
    pub operation_id: Option<String>,
    /// The groups that it belongs to.
    pub tags: Vec<String>,
    /// One line.
    pub summary: Option<String>,
    /// More lines, in `CommonMark`.
    pub description: Option<String>,
    /// Whether the document advises against it.
    pub deprecated: bool,
    /// Its parameters, those of the path item included, in the document's order.
    pub parameters: Vec<Parameter>,
    /// What is sent, when something is.
    pub body: Option<RequestBody>,
    /// What a successful answer consists of: the first of 200, 201, 202, 203, 2XX, `default` that has content.
    pub response: Vec<MediaType>,
    /// Each element is one sufficient alternative; empty when no credential is needed.
    pub security: Vec<SecurityRequirement>,
    /// Servers that are named for this operation or its path alone (OA-06: shown, never used by itself).
    pub servers: Vec<Server>,
}

impl Operation {
    /// Method and path, for people.
    pub fn place(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// In the path template.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// In the `Cookie` header.
    Cookie,
}

/// How a value is written (`OpenAPI` 3.1 §4.8.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `;name=value` in paths.
    Matrix,
    /// `.value` in paths.
    Label,
    /// `value,value` in paths and headers.
    Simple,
    /// `name=value` in queries and cookies.
    Form,
    /// `value%20value` in queries.
    SpaceDelimited,
    /// `value|value` in queries.
    PipeDelimited,
    /// `name[member]=value` in queries.
    DeepObject,
    /// `value\tvalue` (`collectionFormat: tsv` of Swagger 2).
    TabDelimited,
}

/// A parameter (`OpenAPI` 3.1 §4.8.12).
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name on the wire.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// What it is for.
    pub description: Option<String>,
    /// Whether a request without it is refused; always true in paths.
    pub required: bool,
    /// How it is written, unless it has `content`.
    pub style: Style,
    /// Whether members of arrays and objects are written apart.
    pub explode: bool,
    /// Whether `:/?#[]@!$&'()*+,;=` stay as they are.
    pub allow_reserved: bool,
    /// The media type in which the value is written as one string, for instance JSON in a query.
    pub content: Option<String>,
    /// The schema as it stands in the document.
    pub schema: Value,
}

/// What is sent (`OpenAPI` 3.1 §4.8.13).
#[derive(Debug, Clone, PartialEq)]
pub struct RequestBody {
    /// What it is for.
    pub description: Option<String>,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The forms in which it may be sent, in the document's order.
    pub content: Vec<MediaType>,
}

/// One form of a body or answer (`OpenAPI` 3.1 §4.8.14).
#[derive(Debug, Clone, PartialEq)]
pub struct MediaType {
    /// `type/subtype`, in lower case and without parameters.
    pub name: String,
    /// The schema as it stands in the document; `None` when it has none.
    pub schema: Option<Value>,
    /// How single members of forms are written.
    pub encoding: BTreeMap<String, Encoding>,
}

/// How one member of a form is written (`OpenAPI` 3.1 §4.8.15).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The media type of the part.
    pub content_type: Option<String>,
    /// As for query parameters.
    pub style: Option<Style>,
    /// As for query parameters.
    pub explode: Option<bool>,
    /// As for query parameters.
    pub allow_reserved: bool,
}
