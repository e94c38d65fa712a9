//! Values in headers and cookies (OA-03).

use super::*;
use crate::ApiKeyLocation;

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
