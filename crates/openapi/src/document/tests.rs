//! Documents that are refused, and documents that are read all the same.

use serde_json::json;

use super::*;

fn parse(text: &str) -> Result<Document, DocumentError> {
    Document::parse(text.as_bytes(), &Limits::default())
}

fn with(members: &Value) -> Value {
    let mut document = json!({ "openapi": "3.0.3", "info": { "title": "T", "version": "1" }, "paths": {} });
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

#[test]
fn versions_are_told_apart_and_others_refused() {
    for (text, expected) in [
        (r#"{"openapi":"3.0.3"}"#, Version::Three),
        ("openapi: 3.1.0", Version::ThreeOne),
        ("openapi: 3.1", Version::ThreeOne),
        (r#"{"openapi":"3.2.0"}"#, Version::ThreeOne),
        ("swagger: 2.0", Version::Two),
        ("\u{feff}swagger: '2.0'\npaths: {}", Version::Two),
    ] {
        assert_eq!(parse(text).unwrap().version, expected, "{text}");
    }
    for text in ["{}", "openapi: 4.0.0", "swagger: '1.2'", "hello", "[]", r#"{"openapi":null}"#] {
        assert!(matches!(parse(text), Err(DocumentError::Version { .. })), "{text}: {:?}", parse(text));
    }
    for text in [
        "{",
        "a: [",
        "{\"openapi\":\"3.0.0\",\"openapi\":\"3.1.0\"}",
        "a: 1\na: 2",
        "openapi: 3.0.0\n---\nx: 1",
    ] {
        assert!(matches!(parse(text), Err(DocumentError::Syntax(_))), "{text}: {:?}", parse(text));
    }
    assert!(matches!(Document::parse(b"\xff", &Limits::default()), Err(DocumentError::Syntax(_))));
    assert!(matches!(parse(r#"{"openapi":"3.0.0","paths":[]}"#), Err(DocumentError::Shape { .. })));
}

#[test]
fn oa_07_what_is_outside_is_refused_by_name() {
    for (reference, member) in [
        ("http://127.0.0.1/schema.json", "$ref"),
        ("https://example.test/a.yaml#/b", "$ref"),
        ("file:///etc/passwd", "$ref"),
        ("../../etc/passwd", "$ref"),
        ("other.yaml#/components/schemas/A", "$ref"),
        ("//evil.test/x", "$ref"),
        ("http://evil.test/#meta", "$dynamicRef"),
        ("", "$ref"),
    ] {
        let document = with(
            &json!({ "components": { "schemas": { "A": { "properties": { "a/b": { member: reference } } } } } }),
        );
        let error = parse(&document.to_string()).unwrap_err();
        let at = format!("/components/schemas/A/properties/a~1b/{member}");
        assert_eq!(error, DocumentError::ExternalReference { at, reference: reference.to_owned() });
    }
    // Data is no description, and a member may be called `$ref`.
    for harmless in [
        json!({ "components": { "examples": { "x": { "value": { "$ref": "http://x.test" } } } } }),
        json!({ "components": { "schemas": { "A": { "example": { "$ref": "http://x.test" } } } } }),
        json!({ "components": { "schemas": { "A": { "properties": { "$ref": { "type": "string" } } } } } }),
        json!({ "components": { "schemas": { "A": { "properties": { "example": { "$ref": "#/x" } } } } } }),
        json!({ "x-internal": { "$ref": "http://x.test" } }),
    ] {
        assert!(parse(&with(&harmless).to_string()).is_ok(), "{harmless}");
    }
    let hidden = json!({ "components": { "schemas": { "A": { "properties": { "example": { "$ref": "http://x.test" } } } } } });
    assert!(matches!(parse(&with(&hidden).to_string()), Err(DocumentError::ExternalReference { .. })));
}

#[test]
fn oa_07_documents_are_held_to_their_limits() {
    let limits = Limits { bytes: 50, ..Limits::default() };
    assert_eq!(
        Document::parse(&[b' '; 51], &limits).unwrap_err(),
        DocumentError::TooLarge { bytes: 51, limit: 50 }
    );

    let deep = format!("{{\"openapi\":\"3.0.0\",\"x\":{}{}}}", "[".repeat(64), "]".repeat(64));
    assert!(matches!(parse(&deep), Err(DocumentError::TooMany { limit: 64, .. })), "{:?}", parse(&deep));
    for opening in ["[", "{\"a\":", "- ", "- {a: ", "? ", "&a [", "!!map {"] {
        for times in [64, 100, 1000, 100_000] {
            assert!(parse(&opening.repeat(times)).is_err());
        }
    }
    let line = |level: usize| " ".repeat(level) + "a:\n";
    let block = |levels: usize| (0..levels).map(line).collect::<String>();
    assert!(parse(&format!("openapi: 3.0.0\nx:\n{}", block(62).replace("a:", " a:"))).is_ok());
    assert!(parse(&block(2000)).is_err());

    let many = format!("{{\"openapi\":\"3.0.0\",\"x\":[{}0]}}", "0,".repeat(1000));
    let limits = Limits { values: 1000, ..Limits::default() };
    assert_eq!(
        Document::parse(many.as_bytes(), &limits).unwrap_err(),
        DocumentError::TooMany { what: "values", limit: 1000 }
    );

    let references: Vec<_> = (0..1001).map(|_| json!({ "$ref": "#/x" })).collect();
    let limits = Limits { references: 1000, ..Limits::default() };
    assert_eq!(
        Document::parse(with(&json!({ "y": references })).to_string().as_bytes(), &limits).unwrap_err(),
        DocumentError::TooMany { what: "references", limit: 1000 }
    );
}

#[test]
fn oa_07_a_document_of_50_mib_is_refused_before_it_is_read() {
    let bytes = vec![b'['; 50 * 1024 * 1024];
    let error = Document::parse(&bytes, &Limits::default()).unwrap_err();
    assert_eq!(error, DocumentError::TooLarge { bytes: bytes.len(), limit: 32 * 1024 * 1024 });
}

#[test]
fn oa_07_a_million_references_are_refused() {
    let text = format!("{{\"openapi\":\"3.0.0\",\"x\":[{}0]}}", "{\"$ref\":\"#/x\"},".repeat(1_000_000));
    let error = parse(&text).unwrap_err();
    assert!(matches!(error, DocumentError::TooMany { what: "references", .. }), "{error}");
}

#[test]
fn oa_07_a_billion_laughs_stay_a_joke() {
    let mut text = String::from("openapi: 3.0.0\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text = format!("{text}a{level}: &a{level} [{aliases}]\n");
    }
    let error = parse(&text).unwrap_err();
    assert!(matches!(error, DocumentError::TooMany { .. } | DocumentError::Syntax(_)), "{error}");
    // A few aliases are what YAML is for.
    let few = "openapi: 3.0.0\nx: &x {type: string}\ny: [*x, *x]\npaths: {}";
    assert_eq!(parse(few).unwrap().root()["y"][1], json!({ "type": "string" }));
}

#[test]
fn yaml_means_what_its_author_sees() {
    let document =
        parse("openapi: 3.0.0\nx:\n  200: {no: [no, on, yes, 012, 1_000, 2020-01-01, ~, true, 1.5, -3]}")
            .unwrap();
    assert_eq!(
        document.root()["x"]["200"]["no"],
        json!(["no", "on", "yes", "012", "1_000", "2020-01-01", null, true, 1.5, -3])
    );
}

#[test]
fn references_are_followed_as_far_as_they_lead() {
    let document = parse(
        &with(&json!({ "a": { "$ref": "#/b" }, "b": { "$ref": "#/c~1d%7Be%7D" }, "c/d{e}": { "x": 1 },
            "loop": { "$ref": "#/loop2" }, "loop2": { "$ref": "#/loop" }, "broken": { "$ref": "#/nowhere" } }))
        .to_string(),
    )
    .unwrap();
    let resolve = |name: &str| document.resolve(&document.root()[name]).cloned();
    assert_eq!(resolve("a").unwrap(), json!({ "x": 1 }));
    assert!(resolve("loop").is_err());
    assert_eq!(resolve("broken").unwrap_err().to_string(), "`#/nowhere` leads nowhere");
}

#[test]
fn security_schemes_of_both_forms_are_read() {
    let document = parse(
        &with(&json!({ "components": { "securitySchemes": {
            "key": { "type": "apiKey", "in": "query", "name": "k" },
            "bearer": { "type": "http", "scheme": "Bearer" },
            "oauth": { "type": "oauth2", "flows": { "authorizationCode": {
                "authorizationUrl": "https://a.test", "tokenUrl": "https://t.test", "scopes": { "read": "Reads" } } } },
            "oidc": { "type": "openIdConnect", "openIdConnectUrl": "https://o.test" },
            "copy": { "$ref": "#/components/securitySchemes/bearer" },
        } } }))
        .to_string(),
    )
    .unwrap();
    let schemes = document.security_schemes();
    assert_eq!(
        schemes["key"],
        SecurityScheme::ApiKey { name: "k".to_owned(), location: ApiKeyLocation::Query }
    );
    assert_eq!(schemes["bearer"], SecurityScheme::Http { scheme: "bearer".to_owned() });
    assert_eq!(schemes["copy"], schemes["bearer"]);
    assert!(matches!(&schemes["oauth"], SecurityScheme::OAuth2 { flows }
        if flows[0].kind == "authorizationCode" && flows[0].scopes["read"] == "Reads"));

    let swagger = json!({ "swagger": "2.0", "securityDefinitions": { "o": {
        "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a.test", "scopes": { "w": "Writes" } },
        "b": { "type": "basic" } } });
    let schemes = parse(&swagger.to_string()).unwrap().security_schemes();
    assert!(
        matches!(&schemes["o"], SecurityScheme::OAuth2 { flows } if flows[0].kind == "authorizationCode")
    );
    assert_eq!(schemes["b"], SecurityScheme::Http { scheme: "basic".to_owned() });
}
