//! Values in queries (OA-02).

use super::*;

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
