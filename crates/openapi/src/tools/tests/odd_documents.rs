//! Documents with something wrong, with too much of something, or with more operations than anybody reads.

use serde_json::json;

use super::*;

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
