//! Every method at every endpoint, with headers that would like to be heard.

use http::{HeaderMap, HeaderValue, Method};

use super::{
    Target,
    endpoints::{ENDPOINTS, Kind},
};
use crate::attacks::expect;

const METHODS: [&str; 11] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW", "get"];

const HOSTILE: [(&str, &str); 12] = [
    ("x-http-method-override", "POST"),
    ("x-http-method", "DELETE"),
    ("x-method-override", "PUT"),
    ("x-forwarded-for", "127.0.0.1, ' OR 1=1 --"),
    ("x-forwarded-host", "evil.test"),
    ("x-original-url", "/mcp/demo"),
    ("x-rewrite-url", "/mcp/demo"),
    ("x-user", "demo"),
    ("cookie", "canary=\"canary\"; =; ;;; vestibule_session=%00"),
    ("accept-language", "*;q=99,zh-Hans;q=x,,,"),
    ("accept", "text/html;q=nan, ///"),
    ("referer", "javascript:alert('canary')"),
];

fn hostile_headers() -> HeaderMap {
    HOSTILE
        .iter()
        .map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        })
        .collect()
}

#[tokio::test]
async fn an_endpoint_has_its_methods_and_no_others() {
    let target = Target::start().await;
    let headers = hostile_headers();
    for (path, kind) in ENDPOINTS {
        for name in METHODS {
            let method = Method::from_bytes(name.as_bytes()).expect("the name is a token");
            let answer = target.send(&method, path, &headers, b"").await;
            let status = answer.status.as_u16();
            let row = format!("{name} {path}: {status}");
            assert!(status < 500, "{row}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("canary"), "{row} echoes");
            assert!(answer.headers.get("set-cookie").is_none(), "{row}");
            if kind == Kind::Guarded {
                expect::challenge(&answer, 401, None);
                continue;
            }
            let is_shared = answer.headers.contains_key("access-control-allow-origin");
            if name == "OPTIONS" && is_shared {
                assert_eq!(status, 204, "{row}");
                assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{row}");
                continue;
            }
            let has_method = kind.methods().contains(&name);
            assert_eq!(status == 405, !has_method, "{row}");
            if !has_method {
                let allow = answer.header("allow").unwrap_or_default();
                assert!(kind.methods().iter().any(|method| allow.contains(method)), "{row}: {allow}");
            }
            let is_for_people = matches!(kind, Kind::Page | Kind::Authorize | Kind::PageForm);
            assert!(!(is_for_people && is_shared), "{row} is shared with other origins");
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn the_answer_to_head_is_that_to_get_without_a_body() {
    let target = Target::start().await;
    for (path, kind) in ENDPOINTS {
        if !kind.methods().contains(&"HEAD") {
            continue;
        }
        let get = target.send(&Method::GET, path, &HeaderMap::new(), b"").await;
        let head = target.send(&Method::HEAD, path, &HeaderMap::new(), b"").await;
        assert_eq!((get.status, &head.body[..]), (head.status, &b""[..]), "{path}");
        for name in ["content-type", "cache-control", "content-security-policy"] {
            assert_eq!(get.header(name), head.header(name), "{path}: {name}");
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn guarded_paths_with_a_token_have_their_methods_and_no_others() {
    let target = Target::start().await;
    let mut headers = hostile_headers();
    headers.insert("authorization", target.bearer());
    headers.insert("accept", HeaderValue::from_static("*/*"));
    for (path, kind) in ENDPOINTS {
        if kind != Kind::Guarded {
            continue;
        }
        for name in ["HEAD", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "BREW", "get"] {
            let method = Method::from_bytes(name.as_bytes()).expect("the name is a token");
            let answer = target.send(&method, path, &headers, b"{}").await;
            let is_known = name == "HEAD" && answer.status == 200;
            assert!(answer.status == 405 || is_known, "{name} {path}: {answer:?}");
            assert!(is_known || answer.headers.contains_key("allow"), "{name} {path}: {answer:?}");
        }
    }
    target.is_unharmed().await;
}
