//! Values in paths (OA-01).

use super::*;

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
