//! What holds of every request, whatever the arguments are.

use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{call, request};
use crate::Call;

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
