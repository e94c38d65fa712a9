//! Everything about the request of a tool that does not depend on a call.

use std::collections::BTreeSet;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{BodyTemplate, resolved};
use super::path::Path;
use super::query::{Names, Query, Written};
use super::{BaseUrl, CredentialPlaces, Uncallable, cookie, header};
use crate::arguments::{Arguments, InvalidArguments, raw};
use crate::tools::is_reserved_header;
use crate::{ApiKeyLocation, BoundParameter, Location, Parameter, Source, Style, Tool};

/// The longest path and query, in bytes; longer ones are refused by most servers.
const LONGEST: usize = 32 * 1024;
/// What is accepted when the document says nothing.
const ANYTHING: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.5");
/// Levels of references that are followed for the names of members.
const LEVELS: usize = 8;

/// How the arguments of a tool become a request.
#[derive(Debug)]
pub(crate) struct Template {
    base: BaseUrl,
    method: Method,
    path: Path,
    parameters: Vec<Bound>,
    body: Option<BodyTemplate>,
    accept: HeaderValue,
}

/// A parameter, checked.
#[derive(Debug)]
struct Bound {
    parameter: Parameter,
    /// What its argument is called.
    name: String,
    value: Given,
    /// For an exploded object: which names it may bring.
    names: Names,
    /// For a header: its name.
    header: Option<HeaderName>,
}

/// Where the value comes from.
#[derive(Debug)]
enum Given {
    /// From the call, or the default.
    Argument(Option<Box<RawValue>>),
    /// From the configuration alone.
    Fixed(Box<RawValue>),
}

impl Bound {
    fn value<'a>(&'a self, arguments: &Arguments<'a>) -> Option<&'a RawValue> {
        let value = match &self.value {
            Given::Fixed(value) => Some(&**value),
            Given::Argument(default) => arguments.get(&self.name).or(default.as_deref()),
        };
        value.filter(|value| value.get() != "null")
    }
}

impl Template {
    pub(crate) fn compile(
        tool: &Tool,
        base: &BaseUrl,
        credentials: &CredentialPlaces,
    ) -> Result<Self, Uncallable> {
        let (binding, schema) = (&tool.binding, &tool.definition.input_schema);
        let taken = taken(&binding.parameters, credentials);
        let bind = |bound| bind(bound, schema, &taken, credentials);
        let parameters: Vec<Bound> = binding.parameters.iter().map(bind).collect::<Result<_, _>>()?;
        let place = |name: &str| {
            parameters
                .iter()
                .position(|bound| bound.parameter.location == Location::Path && bound.parameter.name == name)
        };
        Ok(Self {
            base: base.clone(),
            method: binding.method.clone(),
            path: Path::compile(&binding.path, place)?,
            body: binding.body.as_ref().map(|body| BodyTemplate::compile(body, schema)).transpose()?,
            accept: accept(&binding.accept),
            parameters,
        })
    }

    /// The request; the arguments are valid.
    pub(crate) fn request(&self, arguments: &Arguments<'_>) -> Result<Request<Vec<u8>>, InvalidArguments> {
        let path = self.path.write(|at| {
            let bound = &self.parameters[at];
            (&bound.parameter, &bound.name, bound.value(arguments))
        })?;
        let query = self.query(arguments)?;
        if path.len() + query.len() > LONGEST {
            return Err(InvalidArguments::all(format_args!(
                "They make a URL that is longer than {LONGEST} bytes; ask for less at once"
            )));
        }
        let uri = self.base.join(&path, &query);
        let uri = uri.ok_or_else(|| InvalidArguments::all("They make a URL that can be read in two ways"))?;
        let mut headers = self.headers(arguments)?;
        let body = self.body.as_ref().map(|body| body.write(arguments)).transpose()?.flatten();
        let body = body.map_or_else(Vec::new, |(content_type, body)| {
            headers.insert(CONTENT_TYPE, content_type);
            body
        });
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn query(&self, arguments: &Arguments<'_>) -> Result<String, InvalidArguments> {
        let mut query = Query::up_to(LONGEST);
        for bound in self.at(Location::Query) {
            if let Some(value) = bound.value(arguments) {
                let Bound { parameter, name, names, .. } = bound;
                query.put(&Written { parameter, name, names }, value)?;
            }
        }
        Ok(query.into_text())
    }

    fn headers(&self, arguments: &Arguments<'_>) -> Result<HeaderMap, InvalidArguments> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, self.accept.clone());
        for bound in self.at(Location::Header) {
            if let (Some(name), Some(value)) = (&bound.header, bound.value(arguments))
                && let Some(value) = header::value(&bound.parameter, &bound.name, value)?
            {
                headers.insert(name, value);
            }
        }
        let mut cookies = String::new();
        for bound in self.at(Location::Cookie) {
            if let Some(value) = bound.value(arguments) {
                cookie::put(&mut cookies, &bound.parameter, value);
                if cookies.len() > header::LONGEST {
                    return Err(InvalidArguments::of(&bound.name, "it is longer than cookies may be"));
                }
            }
        }
        if !cookies.is_empty() {
            headers.insert(COOKIE, HeaderValue::from_str(&cookies).expect("cookies are encoded"));
        }
        Ok(headers)
    }

    fn at(&self, location: Location) -> impl Iterator<Item = &Bound> {
        self.parameters.iter().filter(move |bound| bound.parameter.location == location)
    }
}

fn bind(
    bound: &BoundParameter,
    schema: &Value,
    taken: &BTreeSet<String>,
    credentials: &CredentialPlaces,
) -> Result<Bound, Uncallable> {
    let parameter = bound.parameter.clone();
    let cannot = |why| Uncallable::Parameter(parameter.name.clone(), why);
    let place = match parameter.location {
        Location::Query => Some(ApiKeyLocation::Query),
        Location::Header => Some(ApiKeyLocation::Header),
        Location::Cookie => Some(ApiKeyLocation::Cookie),
        Location::Path => None,
    };
    if place.is_some_and(|place| credentials.has(place, &parameter.name)) {
        return Err(cannot("it is a credential"));
    }
    let header = match parameter.location {
        Location::Header if is_reserved_header(&parameter.name) => {
            return Err(cannot("it is a header of HTTP or of the gateway"));
        }
        Location::Header => Some(
            HeaderName::from_bytes(parameter.name.as_bytes())
                .map_err(|_| cannot("it is no name of a header"))?,
        ),
        Location::Cookie if !cookie::is_name(&parameter.name) => {
            return Err(cannot("it is no name of a cookie"));
        }
        _ => None,
    };
    let (name, value) = match &bound.source {
        Source::Fixed(value) => (parameter.name.clone(), Given::Fixed(raw(value))),
        Source::Argument { member, default } => (member.clone(), Given::Argument(default.as_ref().map(raw))),
    };
    let own = schema.get("properties").and_then(|properties| properties.get(&name));
    let names = match own.and_then(|own| listed(own, schema, LEVELS)) {
        Some(listed) => Names::Listed(listed.difference(taken).cloned().collect()),
        None if own.is_some_and(|own| is_open(resolved(own, schema))) => Names::AllBut(taken.clone()),
        None => Names::Listed(BTreeSet::new()),
    };
    Ok(Bound { parameter, name, value, names, header })
}

/// The names in the query that belong to somebody: other parameters, and credentials.
fn taken(parameters: &[BoundParameter], credentials: &CredentialPlaces) -> BTreeSet<String> {
    let is_spread = |parameter: &Parameter| parameter.explode && parameter.style == Style::Form;
    let in_query = parameters
        .iter()
        .map(|bound| &bound.parameter)
        .filter(|parameter| parameter.location == Location::Query);
    let names = in_query.filter(|parameter| !is_spread(parameter) || parameter.schema["type"] != "object");
    let keys = credentials.0.iter().filter(|(location, _)| *location == ApiKeyLocation::Query);
    names.map(|parameter| parameter.name.clone()).chain(keys.map(|(_, name)| name.clone())).collect()
}

/// Whether a schema says that any member is welcome. One that says nothing at all does not.
fn is_open(own: &Value) -> bool {
    let types = own.get("type");
    let is_object = types.is_some_and(|types| {
        types == "object" || types.as_array().is_some_and(|types| types.contains(&"object".into()))
    });
    is_object || own.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false))
}

/// The members that a schema lists, also in its alternatives; `None` when it allows any.
fn listed(own: &Value, schema: &Value, levels: usize) -> Option<BTreeSet<String>> {
    let own = resolved(own, schema);
    let mut names: Option<BTreeSet<String>> = None;
    if let Some(properties) = own.get("properties").and_then(Value::as_object) {
        if own.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false)) {
            return None;
        }
        names.get_or_insert_default().extend(properties.keys().cloned());
    }
    let alternatives =
        ["anyOf", "oneOf", "allOf"].iter().filter_map(|keyword| own.get(keyword)?.as_array()).flatten();
    for alternative in alternatives {
        if levels > 0
            && let Some(more) = listed(alternative, schema, levels - 1)
        {
            names.get_or_insert_default().extend(more);
        }
    }
    names
}

/// The media types of the document, as far as they are such.
fn accept(media_types: &[String]) -> HeaderValue {
    let is_plain =
        |name: &&String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    let named: Vec<&str> = media_types.iter().filter(is_plain).take(8).map(String::as_str).collect();
    if named.is_empty() {
        return ANYTHING;
    }
    HeaderValue::from_str(&format!("{}, */*;q=0.1", named.join(", "))).unwrap_or(ANYTHING)
}
