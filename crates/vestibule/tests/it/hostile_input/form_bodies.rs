//! Bodies that are no form, to every endpoint that takes one.

use http::Method;

use super::{
    Target,
    endpoints::{ENDPOINTS, Kind},
};
use crate::attacks::expect;

const FORM: &str = "application/x-www-form-urlencoded";

fn bodies() -> Vec<(&'static str, Vec<u8>, u16)> {
    let many = (0..1_000).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
    vec![
        ("empty", Vec::new(), 400),
        ("NUL", vec![0; 100], 400),
        ("not UTF-8", b"grant_type=%ff&token=%c0%80&transaction=%fe".to_vec(), 400),
        ("raw bytes", b"grant_type=\xff\xfe&token=\xc0\x80".to_vec(), 400),
        ("twice", b"grant_type=a&grant_type=b&token=a&token=b&transaction=a&transaction=b".to_vec(), 400),
        ("many", many.into_bytes(), 400),
        ("separators", b"&".repeat(60_000), 400),
        ("names", b"=&==&%3D=%26&+=+".to_vec(), 400),
        ("JSON", br#"{"grant_type":"password","token":"x"}"#.to_vec(), 400),
        (
            "XML",
            b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>".to_vec(),
            400,
        ),
        ("SQL", b"token='%20OR%201=1--&client_id='%20OR%201=1--&grant_type='".to_vec(), 400),
        ("one long value", [b"token=", &b"x".repeat(63 * 1024)[..]].concat(), 400),
        ("too large", b"x".repeat(64 * 1024 + 1), 413),
    ]
}

#[tokio::test]
async fn what_is_no_form() {
    let target = Target::start().await;
    for (path, kind) in ENDPOINTS {
        if !matches!(kind, Kind::Form | Kind::Page | Kind::PageForm | Kind::Authorize) {
            continue;
        }
        for content_type in [FORM, "application/json", "text/plain", "multipart/form-data; boundary=x"] {
            for (row, body, status) in bodies() {
                let row = format!("{row} as {content_type} to {path}");
                let headers = target.typed(content_type, false);
                let answer = target.send(&Method::POST, path, &headers, &body).await;
                let found = answer.status.as_u16();
                // An empty form signs nobody in and names no client.
                let is_known = match (kind, found) {
                    (Kind::PageForm, 200) | (Kind::Form, 401) => content_type == FORM && status == 400,
                    (Kind::Authorize, 413) => body.len() > 8 * 1024,
                    (_, found) => found == if content_type == FORM { status } else { found.clamp(400, 413) },
                };
                assert!(is_known, "{row}: {found} {}", String::from_utf8_lossy(&answer.body));
                let is_json = answer.header("content-type") == Some("application/json");
                match (kind, found) {
                    (Kind::Form, 401) => expect::error(&answer, 401, "invalid_client"),
                    (Kind::Form, found) => {
                        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
                        assert!(
                            ["invalid_request", "unsupported_grant_type"].contains(&&*error),
                            "{row}: {error}"
                        );
                        expect::error(&answer, found, &error);
                    }
                    (_, found) if is_json => expect::error(&answer, found, "invalid_request"),
                    (_, found) => expect::page(&answer, found),
                }
            }
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn queries_that_are_none() {
    let target = Target::start().await;
    for (path, kind) in ENDPOINTS {
        if matches!(kind, Kind::Guarded | Kind::Document) {
            continue;
        }
        for query in [
            "?",
            "?%ff=%fe",
            "?transaction=a&transaction=b&token=a&token=b",
            "?transaction=%00&token=%00&client_id=%00",
            "?transaction=<script>alert(1)</script>&token=\"><script>",
            "?transaction=../../etc/passwd",
            "?&&&===",
        ] {
            let url = format!("{path}{}", query.replace('<', "%3C").replace('>', "%3E").replace('"', "%22"));
            for method in [Method::GET, Method::POST] {
                let answer = target.send(&method, &url, &target.typed(FORM, false), b"").await;
                let row = format!("{method} {url}: {}", answer.status);
                let is_signed_out = kind == Kind::PageForm && answer.status == 200;
                assert!(answer.status.is_client_error() || is_signed_out, "{row}");
                assert!(!answer.headers.contains_key("location"), "{row}");
                assert!(!String::from_utf8_lossy(&answer.body).contains("<script"), "{row}");
            }
        }
    }
    target.is_unharmed().await;
}
