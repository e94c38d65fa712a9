//! Documents as nobody would write them: whatever is read, nothing panics, and every tool that comes out is sound.

use openapi::{BaseUrl, Call, CredentialPlaces, Document, LONGEST_NAME, Limits, Selection, Settings, Tools};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Words that mean something in some place of a document, so that random documents reach deep.
const WORDS: [&str; 44] = [
    "paths",
    "/a/{b}",
    "/a",
    "get",
    "post",
    "parameters",
    "name",
    "in",
    "path",
    "query",
    "header",
    "body",
    "formData",
    "schema",
    "type",
    "object",
    "string",
    "array",
    "integer",
    "properties",
    "items",
    "required",
    "$ref",
    "#/components/schemas/A",
    "#/paths/~1a",
    "#",
    "requestBody",
    "content",
    "application/json",
    "multipart/form-data",
    "responses",
    "200",
    "allOf",
    "oneOf",
    "enum",
    "nullable",
    "pattern",
    "operationId",
    "security",
    "tags",
    "components",
    "schemas",
    "A",
    "x-mcp-header",
];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        any::<f32>().prop_map(Into::into),
        words().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((words(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A document whose frame is right and whose parts are anything.
fn documents() -> impl Strategy<Value = Value> {
    let frame =
        (prop::sample::select(&["2.0", "3.0.3", "3.1.0"][..]), values(), values(), values(), values());
    frame.prop_map(|(version, operation, path_item, schema, other)| {
        let key = if version == "2.0" { "swagger" } else { "openapi" };
        let mut root = json!({
            key: version,
            "paths": { "/a/{b}": { "get": operation, "post": operation, "parameters": [path_item] }, "/c": path_item },
            "components": { "schemas": { "A": schema }, "securitySchemes": other },
            "security": other,
        });
        root["paths"]["/d"] = json!({ "put": {
            "parameters": [{ "name": "p", "in": "query", "schema": schema }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } },
        } });
        root
    })
}

fn all() -> Settings {
    Settings {
        selection: Selection { include: vec!["*".to_owned()], deprecated: true, ..Selection::default() },
        output_schemas: true,
        ..Settings::default()
    }
}

fn sound(tools: &Tools) {
    let mut names = std::collections::HashSet::new();
    for tool in tools.all() {
        let name = &tool.definition.name;
        assert!(!name.is_empty() && name.len() <= LONGEST_NAME, "{name:?}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)), "{name:?}");
        assert!(names.insert(name.to_ascii_lowercase()), "{name:?} twice");
        let schema = &tool.definition.input_schema;
        assert_eq!(schema["type"], "object");
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
        let options =
            jsonschema::draft202012::options().with_pattern_options(jsonschema::PatternOptions::regex());
        let validator = options.build(schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
        // Whatever the schema, an answer comes.
        let _ = validator.is_valid(&json!({ "b": "x", "p": {}, "body": { "A": [{ "A": 1 }] } }));
    }
}

/// Arguments for a tool: something for each of its members, which may or may not be what its schema asks for.
fn arguments(tool: &openapi::Tool, value: &Value) -> String {
    let members = tool.definition.input_schema["properties"].as_object().into_iter().flatten();
    let arguments: Map<_, _> = members.map(|(name, _)| (name.clone(), value.clone())).collect();
    Value::Object(arguments).to_string()
}

/// Strings that mean something to somebody between here and the API, and other values.
fn hostile() -> impl Strategy<Value = Value> {
    let texts = [
        "..",
        "../x",
        "%2e%2e/",
        "a/b",
        "a?x=1",
        "a#f",
        "//evil.test",
        "\\..\\",
        "\0",
        "x\r\nX-Admin: 1",
        "",
        "@evil.test",
    ];
    prop_oneof![
        2 => prop::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => values(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_documents_give_sound_tools_or_an_error(root in documents()) {
        if let Ok(document) = Document::parse(root.to_string().as_bytes(), &Limits::default()) {
            let (tools, warnings) = Tools::compile(&document, &all()).unwrap();
            sound(&tools);
            let shown: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            prop_assert!(shown.iter().all(|warning| !warning.is_empty()));
        }
    }

    #[test]
    fn random_documents_have_the_same_tools_in_yaml(root in documents()) {
        // JSON is YAML; behind a comment it is read as such.
        let yaml = format!("# yaml\n{}", serde_json::to_string_pretty(&root).unwrap());
        let limits = Limits::default();
        if let (Ok(json), Ok(yaml)) = (Document::parse(root.to_string().as_bytes(), &limits), Document::parse(yaml.as_bytes(), &limits)) {
            let (json, _) = Tools::compile(&json, &all()).unwrap();
            let (yaml, _) = Tools::compile(&yaml, &all()).unwrap();
            let names = |tools: &Tools| tools.all().iter().map(|tool| tool.definition.name.clone()).collect::<Vec<_>>();
            prop_assert_eq!(names(&json), names(&yaml));
        }
    }

    #[test]
    fn oa_01_whatever_document_and_arguments_requests_stay_below_the_base_url(root in documents(), value in hostile()) {
        let base = BaseUrl::new(&"https://api.test/v1/x".parse().unwrap()).unwrap();
        if let Ok(document) = Document::parse(root.to_string().as_bytes(), &Limits::default()) {
            let (tools, _) = Tools::compile(&document, &all()).unwrap();
            for tool in tools.all() {
                let Ok(call) = Call::compile(tool, &base, &CredentialPlaces::of(&document)) else { continue };
                let arguments = RawValue::from_string(arguments(tool, &value)).unwrap();
                let Ok(request) = call.request(Some(&arguments)) else { continue };
                let uri = request.uri();
                prop_assert_eq!(uri.authority().map(http::uri::Authority::as_str), Some("api.test"));
                prop_assert!(uri.path().starts_with("/v1/x/"), "{uri}");
                let mut segments = uri.path().split('/');
                prop_assert!(!segments.any(|segment| matches!(segment, "." | "..")), "{uri}");
                prop_assert!(!request.headers().contains_key("x-admin") && !request.headers().contains_key("authorization"));
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Document::parse(&bytes, &Limits::default());
    }

    #[test]
    fn random_yaml_never_panics(text in "[-:{}\\[\\],&*!|>'\"%@`#? \n\tabc0-9~<]{0,200}") {
        let _ = Document::parse(text.as_bytes(), &Limits::default());
    }
}
