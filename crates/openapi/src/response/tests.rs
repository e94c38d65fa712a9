//! Answers of APIs, good and bad.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::CallToolResult;
use serde_json::{Value, json};

use super::*;
use crate::request::tests::tools;
use crate::{BaseUrl, Call, CredentialPlaces, Settings};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// A tool with two query parameters, and with an output schema if one is given.
fn call(output: Option<&Value>) -> Call {
    let schema = output.cloned().unwrap_or_else(|| json!({}));
    let root = json!({ "openapi": "3.1.0", "paths": { "/x": { "get": { "operationId": "listThings",
        "parameters": [{ "name": "page", "in": "query", "schema": {} }, { "name": "page[size]", "in": "query", "schema": {} }],
        "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } } } });
    let (document, tools) =
        tools(&root, Settings { output_schemas: output.is_some(), ..Settings::default() });
    let base = BaseUrl::new(&"https://api.test".parse().unwrap()).unwrap();
    Call::compile(&tools.all()[0], &base, &CredentialPlaces::of(&document)).unwrap()
}

fn result(status: u16, pairs: &[(&'static str, &str)], body: &[u8]) -> CallToolResult {
    answered(&call(None), status, pairs, body, false)
}

fn answered(
    call: &Call,
    status: u16,
    pairs: &[(&'static str, &str)],
    body: &[u8],
    is_cut: bool,
) -> CallToolResult {
    let status = StatusCode::from_u16(status).unwrap();
    call.result(&Answered { status, headers: &headers(pairs), body, is_cut })
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

fn said(result: &CallToolResult) -> Vec<&str> {
    result.content.iter().filter_map(Content::text).collect()
}

fn structured(result: &CallToolResult) -> Option<&str> {
    result.structured_content.as_ref().map(|content| content.get())
}

#[test]
fn json_is_structured_and_exact() {
    let object = result(200, &[JSON], br#"{"id":123456789012345678901234567890,"price":1.50}"#);
    assert_eq!(structured(&object), Some(r#"{"id":123456789012345678901234567890,"price":1.50}"#));
    assert_eq!(said(&object), [r#"{"id":123456789012345678901234567890,"price":1.50}"#]);
    assert!(!object.is_error);
    let list = result(200, &[("content-type", "application/vnd.github+json")], b"[1,\n 2]");
    assert_eq!((structured(&list), said(&list)), (Some(r#"{"items":[1,2]}"#), vec!["[1,\n 2]"]));
    let scalar = result(200, &[JSON], b"42");
    assert_eq!((structured(&scalar), said(&scalar)), (None, vec!["42"]));
}

#[test]
fn json_that_can_be_read_in_two_ways_stays_text() {
    let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
    for body in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":"\ud800"}"#,
        "{",
        "{} x",
        deep.as_str(),
        r#"{"$serde_json::private::RawValue":"1"}"#,
    ] {
        let result = result(200, &[JSON], body.as_bytes());
        assert_eq!(
            (structured(&result), said(&result), result.is_error),
            (None, vec![body], false),
            "{body}"
        );
    }
}

#[test]
fn other_bodies_are_what_they_are() {
    assert_eq!(said(&result(200, &[("content-type", "text/csv")], b"a,b\n")), ["a,b\n"]);
    assert_eq!(
        said(&result(200, &[("content-type", "text/plain; charset=ISO-8859-1")], b"\xfcber")),
        ["über"]
    );
    assert_eq!(structured(&result(200, &[], b"{\"a\":1}")), Some("{\"a\":1}"));
    for (media_type, expected) in [
        ("image/png", json!({ "type": "image", "data": "AP8=", "mimeType": "image/png" })),
        ("audio/wav", json!({ "type": "audio", "data": "AP8=", "mimeType": "audio/wav" })),
        (
            "application/pdf",
            json!({ "type": "resource", "resource": { "uri": "answer:listThings", "mimeType": "application/pdf", "blob": "AP8=" } }),
        ),
        (
            "x\"y",
            json!({ "type": "resource", "resource": { "uri": "answer:listThings", "mimeType": "application/octet-stream", "blob": "AP8=" } }),
        ),
    ] {
        let result = result(200, &[("content-type", media_type)], b"\0\xff");
        assert_eq!(serde_json::to_value(&result.content).unwrap(), json!([expected]), "{media_type}");
    }
    assert_eq!(said(&result(204, &[], b"")), ["Done. The API answered with nothing (HTTP 204)."]);
    let accepted = result(202, &[("location", "/jobs/7?token=s3cret")], b"");
    assert_eq!(said(&accepted)[1], "It is at /jobs/7.");
    assert!(said(&accepted)[0].contains("still at it"));
}

#[test]
fn compressed_answers_are_not_unpacked() {
    let gzip = result(200, &[JSON, ("content-encoding", "gzip")], b"\x1f\x8b\x08");
    assert!(gzip.is_error && said(&gzip)[0].contains("do not repeat"));
    assert!(!result(200, &[JSON, ("content-encoding", "Identity")], b"{}").is_error);
}

#[test]
fn redirects_are_told_and_not_followed() {
    let redirected =
        result(302, &[("location", "http://169.254.169.254/latest?signature=s3cret#x")], b"<html>");
    assert!(redirected.is_error);
    assert_eq!(
        said(&redirected),
        [
            "The API redirects to http://169.254.169.254/latest (HTTP 302), and redirects are not followed. There is no result."
        ]
    );
}

#[test]
fn failures_say_what_helps() {
    let missing = result(404, &[JSON], b"{\n  \"message\": \"No such \\u001b[31mrepo\xe2\x80\xae\"\n}");
    assert_eq!(
        said(&missing),
        ["The API has no such thing (HTTP 404). It says: {\"message\":\"No such \\u001b[31mrepo\"}"]
    );
    let limited = result(429, &[("retry-after", "30")], b"");
    assert_eq!(
        said(&limited),
        ["The API was asked too often (HTTP 429). Try again in 30 seconds, not before."]
    );
    let primary = result(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000000")], b"");
    assert!(said(&primary)[0].contains("1700000000"));
    let page =
        result(502, &[("content-type", "text/html")], b"<h1>Bad <b>gateway</b></h1><script>x</script>");
    assert!(said(&page)[0].contains("It says: Bad gateway") && !said(&page)[0].contains('<'));
    let binary = result(500, &[("content-type", "application/pdf")], b"%PDF\0\xff");
    assert!(!said(&binary)[0].contains("PDF"));
    let long = result(400, &[JSON], format!("{{\"m\":\"{}\"}}", "ü".repeat(100_000)).as_bytes());
    assert!(said(&long)[0].len() < 4300);
    let control = result(400, &[("content-type", "text/plain")], b"a\x1b]0;evil\x07b\x00\r\n");
    assert!(said(&control)[0].ends_with("It says: a]0;evilb"));
    for result in [missing, limited, primary, page, binary, long, control] {
        assert!(result.is_error && result.structured_content.is_none());
    }
}

#[test]
fn what_is_cut_says_so() {
    let cut = answered(&call(None), 200, &[JSON], b"{\"a\":[1,2", true);
    assert_eq!((structured(&cut), said(&cut)[0], cut.is_error), (None, "{\"a\":[1,2", false));
    assert!(said(&cut)[1].contains("cut after 9 bytes"));
    let file = answered(&call(None), 200, &[("content-type", "application/zip")], b"PK\x03\x04", true);
    assert!(said(&file)[1].contains("cut"));
}

#[test]
fn more_pages_are_told_in_the_words_of_the_tool() {
    let link = r#"<https://api.test/x?page=1>; rel="prev", <https://api.test/x?page=3&page%5Bsize%5D=5&token=s3cret>; rel="next""#;
    let by_link = result(200, &[JSON, ("link", link)], b"[]");
    assert_eq!(said(&by_link)[1], "There is more: call again with page=3, page_size=5.");
    for (body, expected) in [
        (r#"{"nextPageToken":"abc"}"#, Some("There is more: nextPageToken is abc.")),
        (r#"{"next_page":3}"#, Some("There is more: next_page is 3.")),
        (r#"{"meta":{"next_cursor":"x\ny"}}"#, Some("There is more: next_cursor is xy.")),
        (
            r#"{"next":"https://api.test/x?page=2&secret=s3cret"}"#,
            Some("There is more: call again with page=2."),
        ),
        (r#"{"next":"/x?cursor=1"}"#, Some("There is more on a next page.")),
        (r#"{"next":null,"next_page":"","nextPage":false}"#, None),
        (r#"{"items":[{"next":"x"}]}"#, None),
    ] {
        let result = result(200, &[JSON], body.as_bytes());
        assert_eq!(said(&result).get(1).copied(), expected, "{body}");
    }
    let endless = result(200, &[("link", &format!("{}rel=next", "<".repeat(10_000)))], b"x");
    assert_eq!(said(&endless).len(), 1);
}

#[test]
fn a_promise_is_kept_or_the_answer_is_a_failure() {
    let schema =
        json!({ "type": "object", "properties": { "id": { "type": "integer" } }, "required": ["id"] });
    let call = call(Some(&schema));
    let kept = answered(&call, 200, &[JSON], b"{\"id\":1}", false);
    assert_eq!((structured(&kept), kept.is_error), (Some("{\"id\":1}"), false));
    for (status, body) in [(200, "{\"id\":\"one\"}"), (200, "[]"), (204, ""), (200, "no json")] {
        let broken = answered(&call, status, &[JSON], body.as_bytes(), false);
        assert!(broken.is_error && broken.structured_content.is_none(), "{body}");
        assert!(
            said(&broken)[0].contains("succeeded") && said(&broken)[0].contains("do not repeat"),
            "{body}"
        );
    }
}

#[test]
fn missing_scopes_are_told_apart() {
    for (accepted, granted, missing) in [
        ("repo, public_repo", "read:user", Some("repo")),
        ("repo, public_repo", "gist, public_repo", None),
        ("repo", "", Some("repo")),
        ("", "read:user", None),
        ("\"evil\", repo", "gist", Some("repo")),
    ] {
        let headers = headers(&[("x-accepted-oauth-scopes", accepted), ("x-oauth-scopes", granted)]);
        assert_eq!(missing_scope(&headers), missing, "{accepted}");
    }
    assert_eq!(missing_scope(&HeaderMap::new()), None);
}
