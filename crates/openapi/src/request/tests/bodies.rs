//! Bodies (OA-05), and how much all of it may be.

use super::*;
use crate::Tuning;

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
