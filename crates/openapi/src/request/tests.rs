//! Attacks on what a call sends, by their ids, and the same kinds in other places.

use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    ApiKeyLocation, BaseUrl, Call, CredentialPlaces, Document, InvalidArguments, Limits, Selection, Settings,
    Tools, Tuning,
};

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

#[test]
fn oa_01_a_path_argument_is_one_segment() {
    let call = call("get", "/items/{p}/end", parameter("path", &json!({ "schema": { "type": "string" } })));
    for (given, segment) in [
        ("a/b", "a%2Fb"),
        ("a?x=1", "a%3Fx%3D1"),
        ("a#f", "a%23f"),
        ("a;x", "a%3Bx"),
        ("\u{ff0f}", "%EF%BC%8F"),
        ("a b+c", "a%20b%2Bc"),
        ("100%", "100%25"),
        ("@evil.test", "%40evil.test"),
        ("...", "..."),
    ] {
        assert_eq!(target(&call, &json!({ "p": given })), format!("/items/{segment}/end"), "{given}");
    }
    for given in [
        "../../admin",
        "..%2f..",
        "%2e%2e/",
        "%2e%2e",
        "..",
        ".",
        "",
        "\\..\\",
        "a\\b",
        "a\0b",
        "a\nb",
        "/..",
        "a/../b",
        "%252e%252e",
        "..;/x",
        "..\u{ff0f}admin",
        "\u{ff0e}\u{ff0e}",
        " .. ",
        "%5c..",
        "a%00",
        "..?",
        "..#",
    ] {
        assert!(refusal(&call, &json!({ "p": given })).contains("p: "), "{given}");
    }
    assert!(refusal(&call, &json!({ "p": 7 })).contains("p: the value is not of type \"string\""));
    assert!(refusal(&call, &json!({})).contains("\"p\" is a required property"));
}

#[test]
fn oa_01_other_styles_keep_their_segment_too() {
    let styled = |style: &str, explode: bool| {
        call("get", "/x{p}", parameter("path", &json!({ "style": style, "explode": explode })))
    };
    let (list, members) = (json!(["a", "b"]), json!({ "k": "v", "l": 1 }));
    for (style, explode, given, expected) in [
        ("simple", false, &list, "/xa,b"),
        ("simple", false, &members, "/xk,v,l,1"),
        ("simple", true, &members, "/xk=v,l=1"),
        ("label", false, &list, "/x.a,b"),
        ("label", true, &list, "/x.a.b"),
        ("label", true, &members, "/x.k=v.l=1"),
        ("matrix", false, &list, "/x;p=a,b"),
        ("matrix", true, &list, "/x;p=a;p=b"),
        ("matrix", false, &members, "/x;p=k,v,l,1"),
        ("matrix", true, &members, "/x;k=v;l=1"),
        ("matrix", false, &json!("a;admin=true"), "/x;p=a%3Badmin%3Dtrue"),
        ("matrix", true, &json!({ "k;admin": "v=1" }), "/x;k%3Badmin=v%3D1"),
        ("label", false, &json!(["a/b", "c,d"]), "/x.a%2Fb,c%2Cd"),
    ] {
        assert_eq!(
            target(&styled(style, explode), &json!({ "p": given })),
            expected,
            "{style} {explode} {given}"
        );
    }
    for (style, given) in [
        ("label", json!("")),
        ("label", json!([])),
        ("simple", json!([])),
        ("simple", json!(null)),
        ("matrix", json!("a/../b")),
        ("simple", json!(["a", "/../b"])),
        ("simple", json!({ "/../": "/" })),
    ] {
        refusal(&styled(style, false), &json!({ "p": given }));
    }
    // Two values that are harmless alone.
    let two = json!({ "parameters": [
        { "name": "a", "in": "path", "required": true, "schema": { "type": "string" } },
        { "name": "b", "in": "path", "required": true, "schema": { "type": "string" } } ] });
    let two = call("get", "/{a}{b}/x", two);
    refusal(&two, &json!({ "a": ".", "b": "." }));
    assert_eq!(target(&two, &json!({ "a": ".", "b": "x" })), "/.x/x");
}

#[test]
fn oa_01_templates_that_lead_elsewhere_cannot_be_called() {
    for path in ["/a/../b", "/a/%2e%2e/b", "/./b", "/a/..;x/b", "/a\\b"] {
        let root = json!({ "openapi": "3.1.0", "paths": { path: { "get": { "operationId": "it" } } } });
        let (document, tools) = tools(&root, Settings::default());
        let base = BaseUrl::new(&BASE.parse().unwrap()).unwrap();
        for tool in tools.all() {
            assert!(Call::compile(tool, &base, &CredentialPlaces::of(&document)).is_err(), "{path}");
        }
    }
}

#[test]
fn oa_02_a_query_has_exactly_the_declared_names() {
    let call = call("get", "/x", parameter("query", &json!({ "schema": { "type": "string" } })));
    for (given, value) in [
        ("x&admin=true", "x%26admin%3Dtrue"),
        ("a+b%26c", "a%2Bb%2526c"),
        ("#f?x", "%23f%3Fx"),
        ("a;admin=1", "a%3Badmin%3D1"),
        ("\r\nX: 1\0", "%0D%0AX%3A%201%00"),
        ("ü", "%C3%BC"),
        ("", ""),
    ] {
        assert_eq!(target(&call, &json!({ "p": given })), format!("/x?p={value}"), "{given}");
    }
    assert!(refusal(&call, &json!({ "p": "x", "admin": true })).contains("admin"));
}

#[test]
fn oa_02_lists_and_objects_by_style() {
    let styled = |more: Value| call("get", "/x", parameter("query", &more));
    let (list, members) = (json!(["a&b", "c,d"]), json!({ "k": "v&w", "l": 2 }));
    for (more, given, expected) in [
        (json!({}), &list, "p=a%26b&p=c%2Cd"),
        (json!({ "explode": false }), &list, "p=a%26b,c%2Cd"),
        (json!({ "style": "spaceDelimited", "explode": false }), &list, "p=a%26b%20c%2Cd"),
        (json!({ "style": "pipeDelimited", "explode": false }), &list, "p=a%26b%7Cc%2Cd"),
        (json!({ "style": "pipeDelimited", "explode": true }), &list, "p=a%26b&p=c%2Cd"),
        (json!({ "schema": { "type": "object" } }), &members, "k=v%26w&l=2"),
        (json!({ "explode": false }), &members, "p=k,v%26w,l,2"),
        (json!({ "style": "deepObject", "explode": true }), &members, "p%5Bk%5D=v%26w&p%5Bl%5D=2"),
        (
            json!({ "style": "deepObject", "explode": true }),
            &json!({ "a": [1, { "b": true }] }),
            "p%5Ba%5D%5B0%5D=1&p%5Ba%5D%5B1%5D%5Bb%5D=true",
        ),
        (json!({ "style": "deepObject", "explode": true }), &json!({ "a&admin": "1" }), "p%5Ba%26admin%5D=1"),
        (json!({ "allowReserved": true }), &json!("a/b?c&d=1#e+f;g"), "p=a/b?c%26d%3D1%23e%2Bf%3Bg"),
        (
            json!({ "content": { "application/json": { "schema": {} } } }),
            &json!({ "a": "b&c" }),
            "p=%7B%22a%22%3A%22b%26c%22%7D",
        ),
        (json!({}), &json!([["a", "b"], null, 1.50]), "p=%5B%22a%22%2C%22b%22%5D&p=1.5"),
    ] {
        assert_eq!(
            target(&styled(more.clone()), &json!({ "p": given })),
            format!("/x?{expected}"),
            "{more} {given}"
        );
    }
    for given in [json!({ "a][admin": 1 }), json!({ "]": 1 }), json!({ "": 1 }), json!({ "a": { "b[": 1 } })]
    {
        assert!(
            refusal(&styled(json!({ "style": "deepObject", "explode": true })), &json!({ "p": given }))
                .contains("brackets")
        );
    }
}

#[test]
fn oa_02_members_that_are_written_apart_take_no_other_name() {
    let spread = |schema: Value| {
        call_of(
            &json!({ "openapi": "3.1.0",
                "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "query", "name": "api_key" } } },
                "paths": { "/x": { "get": { "operationId": "it", "parameters": [
                { "name": "filter", "in": "query", "schema": schema },
                { "name": "limit", "in": "query", "schema": { "type": "integer" } } ] } } } }),
            Settings::default(),
        )
    };
    let listed = spread(json!({ "type": "object", "properties": { "color": {}, "limit": {} } }));
    assert_eq!(target(&listed, &json!({ "filter": { "color": "red" } })), "/x?color=red");
    let open = spread(json!({ "type": "object", "additionalProperties": { "type": "string" } }));
    assert_eq!(target(&open, &json!({ "filter": { "size": "1&admin=1" } })), "/x?size=1%26admin%3D1");
    for (call, name) in [
        (&listed, "admin"),
        (&listed, "limit"),
        (&open, "limit"),
        (&open, "LIMIT"),
        (&open, "api_key"),
        (&open, "limit[]"),
        (&open, "api.key"),
        (&open, "api key[x]"),
        (&open, " limit"),
    ] {
        assert!(refusal(call, &json!({ "filter": { name: "1" } })).contains("has no member"), "{name}");
    }
}

#[test]
fn oa_03_headers_are_one_line_of_ascii() {
    let call = call("get", "/x", parameter("header", &json!({ "name": "X-Trace" })));
    let sent = |given: Value| {
        let request = request(&call, &json!({ "X-Trace": given }).to_string());
        request.map(|request| request.headers()["x-trace"].to_str().unwrap().to_owned())
    };
    assert_eq!(sent(json!("a b: c")).unwrap(), "a b: c");
    assert_eq!(sent(json!(["a", "b"])).unwrap(), "a,b");
    for given in
        ["x\r\nX-Admin: 1", "x\nX-Admin: 1", "x\rX-Admin: 1", "x\r\n folded", "x\0", "ü", "\u{85}", "\t"]
    {
        assert!(sent(json!(given)).unwrap_err().to_string().contains("X-Trace: "), "{given:?}");
    }
    assert!(sent(json!(["a,b", "c"])).unwrap_err().to_string().contains("commas"));
    assert!(sent(json!("a".repeat(9000))).is_err());
}

#[test]
fn oa_03_reserved_names_are_not_set() {
    for name in [
        "Authorization",
        "Host",
        "Content-Length",
        "Cookie",
        "Transfer-Encoding",
        "X-Forwarded-For",
        "MCP-Session-Id",
        "Proxy-Authorization",
    ] {
        let call = call("get", "/x", parameter("header", &json!({ "name": name, "required": false })));
        let refusal = refusal(&call, &json!({ name: "evil" }));
        assert!(refusal.contains("unexpected"), "{refusal}");
        let sent = request(&call, "{}").unwrap();
        assert!(!sent.headers().contains_key(name));
    }
}

#[test]
fn oa_03_a_binding_with_a_reserved_name_is_no_call() {
    let root = json!({ "openapi": "3.1.0", "paths": { "/x": { "get": { "operationId": "it", "parameters": [
        { "name": "X-Key", "in": "header", "schema": { "type": "string" } }, { "name": "key", "in": "query", "schema": { "type": "string" } } ] } } } });
    let (document, tools) = tools(&root, Settings::default());
    let base = BaseUrl::new(&BASE.parse().unwrap()).unwrap();
    let mut tool = tools.all()[0].clone();
    for (location, name) in [(ApiKeyLocation::Header, "x-key"), (ApiKeyLocation::Query, "key")] {
        let places = CredentialPlaces::of(&document).and(location, name);
        assert!(Call::compile(&tool, &base, &places).is_err(), "{name}");
    }
    tool.binding.parameters[0].parameter.name = "Content-Length".to_owned();
    assert!(Call::compile(&tool, &base, &CredentialPlaces::of(&document)).is_err());
}

#[test]
fn oa_03_cookies_are_encoded() {
    let call = call("get", "/x", parameter("cookie", &json!({})));
    let sent = |given: Value| {
        let request = request(&call, &json!({ "p": given }).to_string()).unwrap();
        request.headers()["cookie"].to_str().unwrap().to_owned()
    };
    assert_eq!(sent(json!("a; session=evil")), "p=a%3B%20session%3Devil");
    assert_eq!(sent(json!(["a,b", "c\r\n"])), "p=a%2Cb,c%0D%0A");
    assert_eq!(sent(json!({ "session": "evil" })), "p=session,evil");
}

fn body(media_type: &str, schema: &Value) -> Call {
    let content = json!({ media_type: { "schema": schema } });
    call("post", "/x", json!({ "requestBody": { "required": true, "content": content } }))
}

fn sent(call: &Call, arguments: &str) -> (String, String) {
    let request = request(call, arguments).unwrap();
    let content_type = request.headers()["content-type"].to_str().unwrap().to_owned();
    (content_type, String::from_utf8_lossy(request.body()).into_owned())
}

#[test]
fn oa_05_json_goes_exactly_as_it_was_checked() {
    let call = body(
        "application/json",
        &json!({ "type": "object", "properties": { "n": { "type": "number" }, "s": {} } }),
    );
    for text in [
        r#"{"n":9223372036854775808}"#,
        r#"{"n":123456789012345678901234567890}"#,
        r#"{"n":0.1000000000000000055511151231257827}"#,
        r#"{ "s" : [ 1.50, 1e2, "é" ] , "n":-0 }"#,
    ] {
        assert_eq!(
            sent(&call, &format!(r#"{{"body":{text}}}"#)),
            ("application/json".to_owned(), text.to_owned())
        );
    }
}

#[test]
fn oa_05_numbers_stay_exact_in_every_place() {
    let number = json!({ "schema": { "type": "integer" } });
    let query = call("get", "/x", parameter("query", &number));
    let path = call("get", "/{p}", parameter("path", &number));
    for text in ["9223372036854775808", "18446744073709551616", "123456789012345678901234567890"] {
        let arguments = format!(r#"{{"p":{text}}}"#);
        assert_eq!(request(&query, &arguments).unwrap().uri().query(), Some(&*format!("p={text}")));
        assert_eq!(request(&path, &arguments).unwrap().uri().path(), format!("/v1/{text}"));
    }
    // No number of 64 bits comes near, so that nothing could be checked.
    let raw: &serde_json::value::RawValue =
        serde_json::from_str(r#"{"p":1e400}"#).unwrap_or_else(|_| serde_json::from_str("[]").unwrap());
    assert!(query.request(Some(raw)).is_err());
}

#[test]
fn oa_05_what_is_not_declared_or_not_so_typed_is_refused() {
    let call = body(
        "application/json",
        &json!({ "type": "object", "required": ["title"],
        "properties": { "title": { "type": "string", "maxLength": 5 }, "labels": { "type": "array", "items": { "type": "string" } }, "any": {} } }),
    );
    for (arguments, said) in [
        (r#"{"body":{"title":"x","admin":true}}"#, "body: Additional properties"),
        (
            r#"{"body":{"title":"x","any":{"__proto__":{"admin":true}}}}"#,
            "__proto__: no member may be called so",
        ),
        (r#"{"body":{"title":"x","any":[{"\u005f_proto__":1}]}}"#, "__proto__: no member may be called so"),
        (r#"{"__proto__":{}}"#, "__proto__"),
        (r#"{"body":{"title":7}}"#, "body.title: the value is not of type \"string\""),
        (r#"{"body":{"title":"abcdef"}}"#, "body.title: "),
        (
            r#"{"body":{"title":"x","labels":["a",null]}}"#,
            "body.labels.1: the value is not of type \"string\"",
        ),
        (r#"{"body":{}}"#, "body: \"title\" is a required property"),
        (r#"{"body":[]}"#, "body: the value is not of type \"object\""),
        ("{}", "\"body\" is a required property"),
    ] {
        let error = request(&call, arguments).unwrap_err().to_string();
        assert!(error.contains(said), "{arguments}: {error}");
    }
    assert!(request(&call, r#"{"body":{"title":"x","any":"__proto__"}}"#).is_ok(), "text may say so");
    assert!(
        mcp::json::check(br#"{"body":{"title":"x","title":"y"}}"#).is_err(),
        "two of a name come no further"
    );
}

#[test]
fn what_is_fixed_is_not_the_models_to_change() {
    let tuning = Tuning {
        fix: json!({ "org": "acme", "body.visibility": "private" }).as_object().unwrap().clone(),
        default: json!({ "per_page": 10, "body.draft": true }).as_object().unwrap().clone(),
        hide: vec!["debug".to_owned()],
        ..Tuning::default()
    };
    let root = json!({ "openapi": "3.1.0", "paths": { "/orgs/{org}": { "post": { "operationId": "it", "parameters": [
        { "name": "org", "in": "path", "required": true, "schema": { "type": "string" } },
        { "name": "debug", "in": "query", "schema": {} }, { "name": "per_page", "in": "query", "schema": {} } ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "properties": {
            "name": { "type": "string" }, "visibility": {}, "draft": {} } } } } } } } } });
    let overrides = [("it".to_owned(), tuning)].into();
    let call = call_of(&root, Settings { overrides, ..Settings::default() });
    let request = request(&call, r#"{"body":{"name":"x"}}"#).unwrap();
    assert_eq!(request.uri(), "https://api.test/v1/orgs/acme?per_page=10");
    let value: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(value, json!({ "name": "x", "visibility": "private", "draft": true }));
    for arguments in [
        json!({ "org": "evil", "body": {} }),
        json!({ "debug": 1, "body": {} }),
        json!({ "body": { "visibility": "public" } }),
    ] {
        assert!(refusal(&call, &arguments).contains("unexpected"), "{arguments}");
    }
}

#[test]
fn forms_are_encoded_and_objects_bring_no_names() {
    let call = body(
        "application/x-www-form-urlencoded",
        &json!({ "type": "object", "properties": { "a": {}, "b": {}, "c": {} } }),
    );
    let (content_type, form) =
        sent(&call, r#"{"body":{"a":"x&admin=true","b":["1","2 3"],"c":{"admin":true,"d":[1]}}}"#);
    assert_eq!(content_type, "application/x-www-form-urlencoded");
    assert_eq!(form, "a=x%26admin%3Dtrue&b=1&b=2%203&c=%7B%22admin%22%3Atrue%2C%22d%22%3A%5B1%5D%7D");
    assert!(refusal(&call, &json!({ "body": { "admin": 1 } })).contains("unexpected"));
}

#[test]
fn multipart_parts_end_where_we_say() {
    let call = body(
        "multipart/form-data",
        &json!({ "type": "object", "properties": {
        "file": { "type": "string", "format": "binary" }, "meta": { "type": "object" }, "note\"\r\nX: 1": {}, "tags": {} } }),
    );
    let (content_type, form) = sent(
        &call,
        r#"{"body":{"file":"AAH/","meta":{"a": 1},"note\"\r\nX: 1":"--x\r\nContent-Disposition: form-data; name=\"admin\"\r\n\r\n1","tags":["a","b"]}}"#,
    );
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let parts: Vec<_> = form.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 7, "{form}");
    assert_eq!((parts[0], parts[6]), ("", "--\r\n"));
    let of = |name: &str| {
        parts
            .iter()
            .copied()
            .filter(|part| part.starts_with(&format!("\r\nContent-Disposition: form-data; name=\"{name}\"")))
            .collect::<Vec<_>>()
    };
    assert!(
        of("file")[0].contains("filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n\0\u{1}")
    );
    assert!(of("meta")[0].ends_with("Content-Type: application/json\r\n\r\n{\"a\":1}\r\n"));
    assert_eq!((of("tags").len(), of("note%22%0D%0AX: 1").len(), of("admin").len()), (2, 1, 0));
    assert!(refusal(&call, &json!({ "body": { "file": "no base64!" } })).contains("base64"));
}

#[test]
fn text_and_bytes_are_what_they_are() {
    let text = body("text/plain", &json!({ "type": "string" }));
    assert_eq!(
        sent(&text, r#"{"body":"a\r\nü"}"#),
        ("text/plain; charset=utf-8".to_owned(), "a\r\nü".to_owned())
    );
    let bytes = body("application/zip", &json!({}));
    assert_eq!(request(&bytes, r#"{"body":"AAH/"}"#).unwrap().body(), &[0, 1, 255]);
    assert!(refusal(&bytes, &json!({ "body": "%%%" })).contains("base64"));
}

#[test]
fn urls_and_bodies_have_an_end() {
    let list = call("get", "/x", parameter("query", &json!({})));
    let elements: Vec<_> = (0..100_000).collect();
    assert!(refusal(&list, &json!({ "p": elements })).contains("longer than"));
    let form =
        body("application/x-www-form-urlencoded", &json!({ "type": "object", "properties": { "a": {} } }));
    assert!(refusal(&form, &json!({ "body": { "a": "ü".repeat(3_000_000) } })).contains("larger than"));
}

#[test]
fn a_few_arguments_do_not_become_very_many_bytes() {
    let deep = call("get", "/x", parameter("query", &json!({ "style": "deepObject", "explode": true })));
    let long = "k".repeat(1_000_000);
    for inside in
        [json!(vec![1; 100_000]), json!(vec![json!({}); 100_000]), json!(vec![Value::Null; 100_000])]
    {
        refusal(&deep, &json!({ "p": { long.as_str(): inside } }));
    }
    let text = json!("a".repeat(3_000_000));
    for (place, path) in [("query", "/x"), ("path", "/{p}"), ("cookie", "/x"), ("header", "/x")] {
        refusal(&call("get", path, parameter(place, &json!({}))), &json!({ "p": text }));
    }
    refusal(&call("get", "/x", parameter("query", &json!({}))), &json!({ "p": vec![""; 200_000] }));
    let open = json!({ "type": "object", "additionalProperties": true });
    for media_type in ["application/x-www-form-urlencoded", "multipart/form-data"] {
        refusal(&body(media_type, &open), &json!({ "body": { long.as_str(): vec![1; 100_000] } }));
    }
    refusal(&body("multipart/form-data", &open), &json!({ "body": { "a": vec![1; 100_000] } }));
}

/// Every place in which a text can stand.
fn everywhere() -> Call {
    call(
        "post",
        "/items/{id}/{label}{matrix}",
        json!({
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": {} },
                { "name": "label", "in": "path", "required": true, "style": "label", "explode": true, "schema": {} },
                { "name": "matrix", "in": "path", "required": true, "style": "matrix", "explode": true, "schema": {} },
                { "name": "q", "in": "query", "schema": {} },
                { "name": "list[]", "in": "query", "explode": false, "schema": {} },
                { "name": "deep", "in": "query", "style": "deepObject", "schema": {} },
                { "name": "free", "in": "query", "allowReserved": true, "schema": { "type": ["string", "object"], "properties": { "member": {} } } },
                { "name": "json", "in": "query", "content": { "application/json": {} } },
                { "name": "X-H", "in": "header", "schema": {} },
                { "name": "c", "in": "cookie", "schema": {} },
            ],
            "requestBody": { "content": { "application/json": { "schema": {} } } },
        }),
    )
}

/// What must hold of any request, whatever the arguments are.
fn check(request: &Request<Vec<u8>>) -> Result<(), TestCaseError> {
    let text = request.uri().to_string();
    let url = url::Url::parse(&text).unwrap();
    prop_assert_eq!(url.as_str(), &text, "a parser of URLs reads something else");
    prop_assert_eq!(url.host_str(), Some("api.test"));
    prop_assert!(url.path().starts_with("/v1/items/"), "{}", text);
    prop_assert_eq!(url.path().split('/').count(), 5, "{}", text);
    let names = ["q", "list[]", "free", "json", "deep"];
    for (name, _) in url.query_pairs() {
        let is_declared = names.contains(&&*name) || name.starts_with("deep[") || name == "member";
        prop_assert!(is_declared, "{}: {}", name, text);
    }
    for (name, value) in request.headers() {
        prop_assert!(["accept", "content-type", "cookie", "x-h"].contains(&name.as_str()), "{}", name);
        prop_assert!(value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
    }
    if let Some(cookie) = request.headers().get("cookie") {
        let cookie = cookie.to_str().unwrap();
        prop_assert!(cookie.starts_with("c=") && !cookie[2..].contains([';', '=', ' ']), "{}", cookie);
    }
    Ok(())
}

fn values() -> impl Strategy<Value = Value> {
    let hostile = prop::sample::select(vec![
        "..",
        "../..",
        "%2e%2e",
        "a/b",
        "\r\nX: 1",
        "x&admin=1",
        "#",
        "?",
        ";a=b",
        "\\",
        "\0",
        "[",
        "]",
        "@evil.test",
        "//evil.test",
        "\u{ff0f}",
        "%",
        "%00",
        "__proto__",
        "",
        " ",
        ",",
        "=",
        "+",
        ":",
        "|",
        "'",
        "\"",
    ]);
    let text = prop_oneof![any::<String>(), hostile.prop_map(str::to_owned), "[./%2e\\\\]{1,6}"];
    let leaf = prop_oneof![
        text.clone().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn oa_01_oa_02_oa_03_no_argument_leaves_its_place(values in prop::collection::vec(values(), 11)) {
        thread_local!(static CALL: Call = everywhere());
        let names = ["id", "label", "matrix", "q", "list", "deep", "free", "json", "X-H", "c", "body"];
        let arguments: serde_json::Map<_, _> = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let arguments = Value::Object(arguments).to_string();
        if let Ok(request) = CALL.with(|call| request(call, &arguments)) {
            check(&request)?;
        }
    }

    #[test]
    fn one_text_in_one_place(text in any::<String>(), place in 3_usize..11) {
        thread_local!(static CALL: Call = everywhere());
        let names = ["id", "label", "matrix", "q", "list", "deep", "free", "json", "X-H", "c", "body"];
        let mut arguments = json!({ "id": "1", "label": "2", "matrix": "3" });
        arguments[names[place]] = json!(text);
        if let Ok(request) = CALL.with(|call| request(call, &arguments.to_string())) {
            check(&request)?;
        }
    }
}
