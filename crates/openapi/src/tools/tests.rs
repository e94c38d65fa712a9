//! From a document to tools.

use serde_json::json;

use super::*;
use crate::{Limits, Location, Naming, Selection, Source, Style};

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

#[test]
fn oa_14_a_header_annotation_that_is_not_valid_spoils_its_tool_alone() {
    let with = |headers: &[&str]| {
        let parameter = |(at, header): (usize, &&str)| json!({ "name": format!("p{at}"), "in": "query", "schema": { "type": "string" }, "x-mcp-header": header });
        let parameters: Vec<_> = headers.iter().enumerate().map(parameter).collect();
        let mut root = one(&json!({ "operationId": "x", "parameters": parameters }));
        root["paths"]["/other"] = json!({ "get": { "operationId": "other" } });
        compile(&root, &settings())
    };
    let (tools, warnings) = with(&["Region"]);
    assert_eq!((tools.all().len(), warnings.len()), (2, 0));
    assert_eq!(tools.get("x").unwrap().definition.input_schema["properties"]["p0"]["x-mcp-header"], "Region");
    for headers in [&["a\r\nX-Admin: 1"][..], &["A", "a"], &["Authorization"], &[""], &["Ünicode"], &["Host"]]
    {
        let (tools, warnings) = with(headers);
        assert_eq!((tools.all().len(), warnings.len()), (1, 1), "{headers:?} {warnings:?}");
        assert!(tools.get("x").is_none());
    }
}

#[test]
fn what_cannot_be_read_costs_one_operation() {
    let root = json!({ "openapi": "3.0.0", "paths": {
        "/good": { "get": { "operationId": "good" } },
        "/query?x=1": { "get": { "operationId": "query" } },
        "/#Action=List": { "get": { "operationId": "fragment" } },
        "/broken": { "get": { "operationId": "broken", "parameters": [{ "$ref": "#/nowhere" }] } },
        "/circle": { "get": { "operationId": "circle", "requestBody": { "$ref": "#/components/requestBodies/A" } } },
        "no-slash": { "get": {} },
        "/null": null,
        "/trace": { "trace": { "operationId": "trace" } },
        "x-extension": { "get": {} },
    }, "components": { "requestBodies": { "A": { "$ref": "#/components/requestBodies/A" } } } });
    let (tools, warnings) = compile(&root, &settings());
    let names: Vec<_> = tools.all().iter().map(|tool| tool.definition.name.as_str()).collect();
    assert_eq!(names, ["fragment", "good"]);
    assert_eq!(tools.get("fragment").unwrap().binding.path, "/");
    assert_eq!(warnings.len(), 5, "{warnings:?}");
}

#[test]
fn oa_07_what_operations_share_is_not_multiplied_without_measure() {
    // One parameter of 10,000 values, shared by 7,000 operations, and 100,000 parameters of one operation.
    let values: serde_json::Map<_, _> = (0..10_000).map(|at| (format!("p{at}"), json!(true))).collect();
    let mut paths: serde_json::Map<_, _> = (0..7_000)
        .map(|at| (format!("/p{at}"), json!({ "get": { "operationId": "same", "parameters": [{ "$ref": "#/components/parameters/P" }] } })))
        .collect();
    let many = vec![json!({ "$ref": "#/components/parameters/P" }); 100_000];
    paths.insert("/many".to_owned(), json!({ "get": { "operationId": "many", "parameters": many } }));
    let root = json!({ "openapi": "3.0.0", "paths": paths, "components": { "parameters": {
        "P": { "name": "p", "in": "query", "schema": { "type": "object", "properties": values } } } } });
    let limits = Limits { compiled_values: 100_000, ..Limits::default() };
    let document = Document::parse(root.to_string().as_bytes(), &limits).unwrap();
    let (tools, warnings) = Tools::compile(&document, &settings()).unwrap();
    assert!(tools.all().len() < 10, "{}", tools.all().len());
    assert_eq!(
        tools.all().len()
            + warnings.iter().filter(|warning| matches!(warning, Warning::LeftOut { .. })).count(),
        7_001
    );
}

#[test]
fn oa_14_ten_thousand_operations_of_one_name_have_ten_thousand_names() {
    let paths: serde_json::Map<_, _> =
        (0..10_000).map(|at| (format!("/p{at}"), json!({ "get": { "operationId": "same" } }))).collect();
    let document = Document::parse(
        json!({ "openapi": "3.0.0", "paths": paths }).to_string().as_bytes(),
        &Limits::default(),
    )
    .unwrap();
    let (tools, _) = Tools::compile(&document, &settings()).unwrap();
    assert_eq!(tools.all().len(), 10_000);
    assert!(tools.get("same").is_some() && tools.get("same_10000").is_some());
}

#[test]
fn many_tools_are_too_many_to_choose_from() {
    let paths: serde_json::Map<_, _> = (0..31)
        .map(|at| (format!("/p{at}"), json!({ "get": { "operationId": format!("op{at}") } })))
        .collect();
    let root = json!({ "openapi": "3.0.0", "paths": paths });
    let (_, warnings) = compile(&root, &settings());
    assert!(warnings.iter().any(|warning| warning.starts_with("31 tools are more than 30")), "{warnings:?}");
    let (tools, warnings) =
        compile(&root, &Settings { mode: Mode::Search, naming: Naming::Target, ..settings() });
    assert_eq!(warnings, Vec::<String>::new());
    let listed: Vec<_> = tools.listed().iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(listed, ["Shop___search", "Shop___call"]);
    assert_eq!((tools.search_name(), tools.call_name()), (Some("Shop___search"), Some("Shop___call")));
    assert!(tools.listed_tokens() < tools.cost().tokens);
}

#[test]
fn searching_finds_what_is_meant() {
    let operation = |id: &str, summary: &str| json!({ "operationId": id, "summary": summary });
    let root = json!({ "openapi": "3.0.0", "paths": {
        "/repos/{owner}/{repo}/issues": { "get": operation("issues/list-for-repo", "List repository issues"), "post": operation("issues/create", "Create an issue") },
        "/repos/{owner}/{repo}/pulls": { "get": operation("pulls/list", "List pull requests") },
        "/user/repos": { "get": operation("repos/list-for-authenticated-user", "List repositories for the authenticated user") },
        "/gists": { "get": operation("gists/list", "List gists") },
    } });
    let (tools, _) = compile(&root, &Settings { mode: Mode::Search, ..settings() });
    let first = |query: &str| tools.search(query, 3).first().map(|tool| tool.definition.name.clone());
    for (query, expected) in [
        ("create an issue", "issues_create"),
        ("which pull requests are open", "pulls_list"),
        ("LIST REPOSITORIES of the user", "repos_list-for-authenticated-user"),
        ("gist", "gists_list"),
        ("authent", "repos_list-for-authenticated-user"),
    ] {
        assert_eq!(first(query).as_deref(), Some(expected), "{query}");
    }
    assert_eq!(first("zzz"), None);
    assert_eq!(first(""), None);
    assert_eq!(tools.search("list", 2).len(), 2);
    assert!(tools.search(&"list ".repeat(100_000), 2).len() == 2);
}
