//! From a document to tools.

use serde_json::json;

use super::*;
use crate::{Limits, Location, Naming, Selection, Source, Style};

mod odd_documents;

fn settings() -> Settings {
    let everything = Selection { include: vec!["*".to_owned()], ..Selection::default() };
    Settings { selection: everything, target: "Shop".to_owned(), ..Settings::default() }
}

fn compile(root: &Value, settings: &Settings) -> (Tools, Vec<String>) {
    let document = Document::parse(root.to_string().as_bytes(), &Limits::default()).unwrap();
    let (tools, warnings) = Tools::compile(&document, settings).unwrap();
    for tool in tools.all() {
        let schema = &tool.definition.input_schema;
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
    }
    (tools, warnings.iter().map(ToString::to_string).collect())
}

/// A document with one operation.
fn one(operation: &Value) -> Value {
    json!({ "openapi": "3.0.3", "paths": { "/items/{id}": { "post": operation } } })
}

fn only(tools: &Tools) -> &Tool {
    let [tool] = tools.all() else { panic!("{} tools", tools.all().len()) };
    tool
}

#[test]
fn an_operation_is_a_tool() {
    let root = json!({
        "openapi": "3.1.0",
        "security": [{ "oauth": ["read"] }],
        "paths": { "/repos/{owner}": {
            "parameters": [{ "name": "owner", "in": "path", "required": true, "schema": { "type": "string" }, "description": "Who **owns** it" }],
            "put": {
                "operationId": "repos/update", "summary": "Update a repository", "tags": ["repos"],
                "description": "Changes its settings. See [the docs](https://x.test).",
                "parameters": [{ "name": "labels", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } }],
                "requestBody": { "required": true, "content": {
                    "application/xml": {},
                    "application/json": { "schema": { "$ref": "#/components/schemas/Change" } } } },
                "responses": { "200": { "content": { "application/json": { "schema": { "type": "object" } } } } },
                "security": [{ "oauth": ["repo"] }, {}],
            }
        } },
        "components": { "schemas": { "Change": { "type": "object", "required": ["name"],
            "properties": { "name": { "type": "string" }, "id": { "type": "integer", "readOnly": true } } } } },
    });
    let (tools, warnings) = compile(&root, &settings());
    assert_eq!(warnings, Vec::<String>::new());
    let tool = only(&tools);
    assert_eq!(tool.definition.name, "repos_update");
    assert_eq!(tool.definition.title.as_deref(), Some("Update a repository"));
    assert_eq!(
        tool.definition.description.as_deref(),
        Some("Update a repository\nChanges its settings. See the docs.")
    );
    assert_eq!(
        tool.definition.input_schema,
        json!({
            "type": "object", "additionalProperties": false, "required": ["owner", "body"],
            "properties": {
                "owner": { "type": "string", "description": "Who owns it" },
                "labels": { "type": "array", "items": { "type": "string" } },
                "body": { "type": "object", "required": ["name"], "additionalProperties": false,
                    "properties": { "name": { "type": "string" } } },
            }
        })
    );
    assert_eq!(
        tool.definition.other["annotations"],
        json!({ "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": true })
    );
    assert!(!tool.definition.other.contains_key("outputSchema"));
    assert_eq!(tool.security.len(), 2);
    assert_eq!(tool.security[0]["oauth"], ["repo"]);
    assert_eq!(tool.binding.accept, ["application/json"]);
    let body = tool.binding.body.as_ref().unwrap();
    assert_eq!((body.media_type.as_str(), body.required), ("application/json", true));
    let labels = &tool.binding.parameters[1];
    assert_eq!((labels.parameter.style, labels.parameter.explode), (Style::Form, true));
    assert!(tool.cost.tokens < tool.cost.unslimmed, "{:?}", tool.cost);
}

#[test]
fn swagger_2_gives_the_same_tool() {
    let root = json!({
        "swagger": "2.0", "consumes": ["application/json"], "produces": ["application/json"],
        "parameters": { "Id": { "name": "id", "in": "path", "type": "integer", "required": true } },
        "definitions": { "Pet": { "type": "object", "properties": { "name": { "type": "string" } } } },
        "paths": {
            "/pets/{id}": { "parameters": [{ "$ref": "#/parameters/Id" }], "put": {
                "operationId": "updatePet",
                "parameters": [
                    { "name": "tags", "in": "query", "type": "array", "items": { "type": "string" }, "collectionFormat": "pipes" },
                    { "name": "pet", "in": "body", "required": true, "schema": { "$ref": "#/definitions/Pet" } } ],
                "responses": { "200": { "schema": { "$ref": "#/definitions/Pet" } } },
            } },
            "/pets/{id}/photo": { "parameters": [{ "$ref": "#/parameters/Id" }], "post": {
                "operationId": "upload", "consumes": ["multipart/form-data"],
                "parameters": [
                    { "name": "photo", "in": "formData", "type": "file", "required": true },
                    { "name": "note", "in": "formData", "type": "string", "description": "A note" } ],
            } },
        },
    });
    let settings = Settings { output_schemas: true, ..settings() };
    let (tools, warnings) = compile(&root, &settings);
    assert_eq!(warnings, Vec::<String>::new());
    let update = tools.get("updatePet").unwrap();
    assert_eq!(update.definition.input_schema["properties"]["id"], json!({ "type": "integer" }));
    assert_eq!(update.definition.input_schema["required"], json!(["id", "body"]));
    assert_eq!(update.definition.other["outputSchema"]["properties"]["name"], json!({ "type": "string" }));
    assert_eq!(update.binding.parameters[1].parameter.style, Style::PipeDelimited);
    let upload = tools.get("upload").unwrap();
    let body = upload.binding.body.as_ref().unwrap();
    assert_eq!((body.media_type.as_str(), body.required), ("multipart/form-data", true));
    assert_eq!(
        upload.definition.input_schema["properties"]["body"]["properties"]["note"]["description"],
        "A note"
    );
}

#[test]
fn oa_03_reserved_headers_are_no_arguments() {
    let header = |name: &str| json!({ "name": name, "in": "header", "required": true, "schema": { "type": "string" } });
    let reserved = [
        "Authorization",
        "HOST",
        "content-length",
        "Cookie",
        "Transfer-Encoding",
        "Connection",
        "Accept",
        "Content-Type",
        "TE",
        "Proxy-Authorization",
        "X-Forwarded-For",
        "X-HTTP-Method-Override",
        "Mcp-Session-Id",
        "X-Api-Key",
        "bad name",
        "x\r\nX-Admin",
    ];
    let mut parameters: Vec<_> = reserved.iter().map(|name| header(name)).collect();
    parameters.push(header("X-Request-Tag"));
    parameters.push(json!({ "name": "api_key", "in": "query", "schema": { "type": "string" } }));
    let mut root = one(&json!({ "operationId": "x", "parameters": parameters }));
    root["components"] = json!({ "securitySchemes": {
        "a": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        "b": { "type": "apiKey", "in": "query", "name": "api_key" } } });
    let (tools, warnings) = compile(&root, &settings());
    let tool = only(&tools);
    let names: Vec<_> = tool.definition.input_schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["X-Request-Tag", "id"]);
    assert_eq!(tool.binding.parameters.len(), 2);
    assert_eq!(warnings.len(), reserved.len() + 1);
    assert!(
        warnings.iter().all(|warning| !warning.contains('\n') && !warning.contains('\r')),
        "{warnings:?}"
    );
}

#[test]
fn a_path_gives_its_parameters_even_when_the_document_forgot_them() {
    let (tools, _) = compile(
        &one(&json!({ "operationId": "x", "parameters": [
        { "name": "other", "in": "path", "required": true, "schema": { "type": "string" } } ] })),
        &settings(),
    );
    let tool = only(&tools);
    assert_eq!(tool.definition.input_schema["required"], json!(["id"]));
    assert_eq!(tool.binding.parameters[0].parameter.location, Location::Path);
    assert_eq!(tool.binding.parameters.len(), 1);
}

fn tuned(tuning: Value) -> (Tools, Vec<String>) {
    let root = one(&json!({
        "operationId": "items/change",
        "parameters": [
            { "name": "page", "in": "query", "schema": { "type": "integer" } },
            { "name": "size", "in": "query", "required": true, "schema": { "type": "integer" } },
            { "name": "Action", "in": "query", "required": true, "schema": { "type": "string", "enum": ["Change"] } } ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object",
            "required": ["name", "owner"], "properties": {
                "name": { "type": "string" }, "owner": { "type": "string" }, "note": { "type": "string" } } } } } },
    }));
    let overrides = [("items/change".to_owned(), serde_json::from_value(tuning).unwrap())].into();
    compile(&root, &Settings { overrides, ..settings() })
}

#[test]
fn a_model_sees_what_the_tuning_leaves() {
    let (tools, warnings) = tuned(json!({
        "name": "change_item", "description": "Changes one item.",
        "hide": ["page", "body.note"], "fix": { "body.owner": "acme" }, "default": { "size": 10 },
        "descriptions": { "id": "Which one", "body.name": "Its new name" },
    }));
    assert_eq!(warnings, Vec::<String>::new());
    let tool = only(&tools);
    assert_eq!(
        (tool.definition.name.as_str(), tool.definition.description.as_deref()),
        ("change_item", Some("Changes one item."))
    );
    assert_eq!(
        tool.definition.input_schema,
        json!({ "type": "object", "additionalProperties": false, "required": ["id", "body"], "properties": {
            "id": { "type": "string", "description": "Which one" },
            "size": { "type": "integer", "default": 10 },
            "body": { "type": "object", "additionalProperties": false, "required": ["name"],
                "properties": { "name": { "type": "string", "description": "Its new name" } } },
        } })
    );
    assert_eq!(tool.binding.body.as_ref().unwrap().fixed["owner"], "acme");
    let source = |name: &str| {
        tool.binding.parameters.iter().find(|bound| bound.parameter.name == name).map(|bound| &bound.source)
    };
    assert_eq!(source("page"), None);
    assert_eq!(
        source("size"),
        Some(&Source::Argument { member: "size".to_owned(), default: Some(json!(10)) })
    );
    assert_eq!(source("Action"), Some(&Source::Fixed(json!("Change"))));
}

#[test]
fn a_tuning_that_cannot_be_is_told() {
    let (tools, warnings) = tuned(json!({ "hide": ["size"] }));
    assert!(tools.all().is_empty());
    assert!(warnings[0].contains("size is hidden and required"), "{warnings:?}");
    let (tools, warnings) = tuned(json!({ "hide": ["body.name"] }));
    assert!(
        tools.all().is_empty() && warnings[0].contains("body.name is hidden and required"),
        "{warnings:?}"
    );
    let (tools, warnings) = tuned(json!({ "hide": ["nothing", "body.nothing"] }));
    assert_eq!((tools.all().len(), warnings.len()), (1, 2), "{warnings:?}");
    let (tools, warnings) = tuned(json!({ "name": "no name" }));
    assert_eq!((only(&tools).definition.name.as_str(), warnings.len()), ("items_change", 1), "{warnings:?}");
    let (tools, _) = tuned(json!({ "fix": { "body.name": "n", "body.owner": "o", "body.note": "x" } }));
    assert_eq!(only(&tools).binding.body.as_ref().unwrap().member, None);
    assert_eq!(only(&tools).definition.input_schema["required"], json!(["size", "id"]));
}

#[test]
fn a_parameter_under_a_glob_is_missed_once_and_only_where_no_tool_has_it() {
    let with =
        |name: &str| json!({ "get": { "parameters": [{ "name": name, "in": "query", "schema": {} }] } });
    let root = json!({ "openapi": "3.1.0", "paths": { "/a": with("size"), "/b": with("other"), "/c": with("other") } });
    let tuning = |member: Value| serde_json::from_value::<Tuning>(json!({ "default": member })).unwrap();
    let overrides = [
        ("/*".to_owned(), tuning(json!({ "size": 10, "page": 1 }))),
        ("/b".to_owned(), tuning(json!({ "size": 20 }))),
    ];
    let (tools, warnings) = compile(&root, &Settings { overrides: overrides.into(), ..settings() });
    assert_eq!(tools.all().len(), 3);
    let expected = [r#""page" in overrides."/*""#, r#""size" in overrides."/b""#];
    assert_eq!(warnings, expected.map(|what| format!("{what} names nothing in the document")));
}

#[test]
fn bodies_are_written_in_the_first_form_that_can_be() {
    let body = |content: Value, required: bool| {
        one(&json!({ "operationId": "x", "requestBody": { "content": content, "required": required } }))
    };
    for (content, expected) in [
        (
            json!({ "application/xml": {}, "multipart/form-data": {}, "application/vnd.x+json": {} }),
            "application/vnd.x+json",
        ),
        (json!({ "application/vnd.x+json": {}, "application/json; charset=utf-8": {} }), "application/json"),
        (
            json!({ "multipart/form-data": {}, "application/x-www-form-urlencoded": {} }),
            "application/x-www-form-urlencoded",
        ),
        (json!({ "text/plain": {} }), "text/plain"),
        (json!({ "image/png": {} }), "image/png"),
        (json!({ "*/*": {} }), "application/json"),
    ] {
        let (tools, _) = compile(&body(content, true), &settings());
        assert_eq!(only(&tools).binding.body.as_ref().unwrap().media_type, expected);
    }
    let (tools, warnings) = compile(&body(json!({ "application/xml": {} }), true), &settings());
    assert!(tools.all().is_empty() && warnings.len() == 1, "{warnings:?}");
    let (tools, _) = compile(&body(json!({ "application/xml": {} }), false), &settings());
    assert_eq!(only(&tools).binding.body, None);
}
