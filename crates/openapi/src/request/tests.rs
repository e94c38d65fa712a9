//! Attacks on what a call sends, by their ids, and the same kinds in other places.

use http::Request;
use serde_json::{Value, json};

use crate::{
    BaseUrl, Call, CredentialPlaces, Document, InvalidArguments, Limits, Selection, Settings, Tools,
};

mod anything;
mod bodies;
mod headers;
mod paths;
mod queries;

pub(crate) const BASE: &str = "https://api.test/v1";

pub(crate) fn tools(root: &Value, settings: Settings) -> (Document, Tools) {
    let everything = Selection { include: vec!["*".to_owned()], ..Selection::default() };
    let document = Document::parse(root.to_string().as_bytes(), &Limits::default()).unwrap();
    let (tools, _) = Tools::compile(&document, &Settings { selection: everything, ..settings }).unwrap();
    (document, tools)
}

fn call_of(root: &Value, settings: Settings) -> Call {
    let (document, tools) = tools(root, settings);
    let [tool] = tools.all() else { panic!("{} tools", tools.all().len()) };
    let base = BaseUrl::new(&BASE.parse().unwrap()).unwrap();
    Call::compile(tool, &base, &CredentialPlaces::of(&document)).unwrap()
}

/// The call of a document with this one operation.
pub(crate) fn call(method: &str, path: &str, operation: Value) -> Call {
    let mut operation = operation;
    operation["operationId"] = json!("it");
    call_of(&json!({ "openapi": "3.1.0", "paths": { path: { method: operation } } }), Settings::default())
}

pub(crate) fn request(call: &Call, arguments: &str) -> Result<Request<Vec<u8>>, InvalidArguments> {
    let arguments = mcp::json::check(arguments.as_bytes()).unwrap();
    call.request(Some(serde_json::from_str(arguments).unwrap()))
}

fn target(call: &Call, arguments: &Value) -> String {
    let uri = request(call, &arguments.to_string()).unwrap().uri().to_string();
    uri.strip_prefix(BASE).unwrap_or_else(|| panic!("{uri}")).to_owned()
}

fn refusal(call: &Call, arguments: &Value) -> String {
    match request(call, &arguments.to_string()) {
        Err(error) => error.to_string(),
        Ok(request) => panic!("{arguments} makes {}", request.uri()),
    }
}

fn parameter(place: &str, more: &Value) -> Value {
    let mut parameter = json!({ "name": "p", "in": place, "required": true, "schema": {} });
    for (name, value) in more.as_object().unwrap() {
        parameter[name] = value.clone();
    }
    json!({ "parameters": [parameter] })
}
