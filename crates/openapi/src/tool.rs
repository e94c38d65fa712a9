//! A compiled tool: what a model reads, and how a call becomes a request.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value};

use crate::{Cost, Encoding, Parameter, SecurityRequirement};

/// One operation as a tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// What is listed: name, title, description, schemas, annotations.
    pub definition: mcp::Tool,
    /// Method and path, as the document has them.
    pub place: String,
    /// How arguments become a request.
    pub binding: Binding,
    /// Which credentials a call needs: each element is one sufficient alternative. Empty: none are needed.
    pub security: Vec<SecurityRequirement>,
    /// The groups that the document puts it in.
    pub tags: Vec<String>,
    /// What the definition costs in a model's context.
    pub cost: Cost,
}

/// How the arguments of a tool become a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The method of the request.
    pub method: Method,
    /// The path template below the base URL, such as `/repos/{owner}/{repo}`.
    pub path: String,
    /// Path, query, header and cookie parameters, in the document's order. Headers that belong to HTTP or to credentials
    /// are not among them (OA-03).
    pub parameters: Vec<BoundParameter>,
    /// The body, when the operation has one that can be sent.
    pub body: Option<BoundBody>,
    /// Media types of the successful answers, the preferred one first; empty when the document names none.
    pub accept: Vec<String>,
}

/// One parameter and where its value comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundParameter {
    /// The parameter as it stands on the wire.
    pub parameter: Parameter,
    /// Where the value comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// From the member of the arguments with this name.
    Argument {
        /// The member, which may be called otherwise than the parameter.
        member: String,
        /// Sent when the member is absent.
        default: Option<Value>,
    },
    /// From the configuration. No model sees it, and no argument changes it.
    Fixed(Value),
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundBody {
    /// What is sent as `Content-Type`: JSON, a form, multipart, text or bytes.
    pub media_type: String,
    /// The member of the arguments that is the body; `None` when the configuration fixes all of it.
    pub member: Option<String>,
    /// Whether a call without a body is refused.
    pub required: bool,
    /// Members of the body that the configuration fixes. They replace what the arguments say.
    pub fixed: Map<String, Value>,
    /// Members of the body that are sent when the arguments do not have them.
    pub defaults: Map<String, Value>,
    /// For forms and multipart: how single members are written.
    pub encoding: BTreeMap<String, Encoding>,
}
