//! How an attack has to be answered: the status, the code and every header that goes with them.

use std::collections::BTreeMap;

use url::Url;

use super::{client::STATE, world::World};
use crate::http_client::Answer;

/// A page of our own: nobody is sent anywhere, nothing is kept, nothing runs.
#[track_caller]
pub(crate) fn page(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("location"), None, "our own page leads nowhere");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    assert_eq!(answer.header("access-control-allow-origin"), None, "pages are not shared");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = String::from_utf8_lossy(&answer.body);
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
}

/// A page that refuses, and takes nothing over from the request unescaped.
#[track_caller]
pub(crate) fn error_page(answer: &Answer, status: u16, input: &str) {
    page(answer, status);
    assert!(!String::from_utf8_lossy(&answer.body).contains(input), "the page echoes {input}");
    assert!(answer.headers.get("set-cookie").is_none(), "{:?}", answer.headers);
}

/// 303, and where it leads.
#[track_caller]
pub(crate) fn see_other(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    answer.header("location").expect("a redirect has a destination").to_owned()
}

/// Where a browser goes from here: by a redirect, or, after a form, by a page that leads on (decision 0034).
#[track_caller]
pub(crate) fn onward(answer: &Answer) -> String {
    if answer.status.as_u16() != 200 {
        return see_other(answer);
    }
    page(answer, 200);
    let html = String::from_utf8_lossy(&answer.body);
    let (_, rest) = html.split_once(r#"<meta http-equiv="refresh" content="0; url="#).expect("it leads on");
    let url = rest.split('"').next().unwrap_or_default();
    assert!(html.contains(&format!(r#"href="{url}" rel="noreferrer""#)), "a link to the same: {html}");
    url.replace("&#38;", "&").replace("&#39;", "'")
}

/// An authorization response: to `destination`, with our issuer and each parameter once.
#[track_caller]
pub(crate) fn response(world: &World, answer: &Answer, destination: &str) -> BTreeMap<String, String> {
    let location = onward(answer);
    let rest =
        location.strip_prefix(destination).unwrap_or_else(|| panic!("{location} is not {destination}"));
    assert!(rest.starts_with(['?', '&']), "{location}");
    let url = Url::parse(&location).expect("a destination is a URL");
    let mut parameters = BTreeMap::new();
    for (name, value) in url.query_pairs().into_owned() {
        assert!(parameters.insert(name.clone(), value).is_none(), "{name} twice in {location}");
    }
    assert_eq!(parameters.get("iss").map(String::as_str), Some(world.issuer()), "{location}");
    parameters
}

/// An error response to the client (RFC 6749 §4.1.2.1) for a request that carried [`STATE`].
#[track_caller]
pub(crate) fn error_response(world: &World, answer: &Answer, destination: &str, error: &str) {
    let parameters = response(world, answer, destination);
    assert_eq!(parameters.get("error").map(String::as_str), Some(error), "{parameters:?}");
    assert_eq!(parameters.get("state").map(String::as_str), Some(STATE), "{parameters:?}");
    assert_eq!(parameters.get("code"), None);
}

/// A success response to the default client, and its code.
#[track_caller]
pub(crate) fn code(world: &World, answer: &Answer) -> String {
    let location = onward(answer);
    let destination = location.split('?').next().unwrap_or_default().to_owned();
    let parameters = response(world, answer, &destination);
    assert_eq!(parameters.get("state").map(String::as_str), Some(STATE), "{parameters:?}");
    parameters.get("code").unwrap_or_else(|| panic!("no code in {parameters:?}")).clone()
}

/// An error of an endpoint for programs (RFC 6749 §5.2): JSON that nobody keeps.
#[track_caller]
pub(crate) fn error(answer: &Answer, status: u16, error: &str) {
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status.as_u16(), status, "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{body}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{body}");
    assert_eq!(answer.header("location"), None);
    let json = answer.json();
    assert_eq!(json["error"], error, "{body}");
    let description = json["error_description"].as_str().expect("an error says what to do");
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
    let is_allowed = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    assert!(description.bytes().all(is_allowed), "{description}");
    for trace in ["panicked", ".rs:", "SQL", "rusqlite", "stack"] {
        assert!(!body.contains(trace), "{body}");
    }
    if status == 401 {
        assert_eq!(error, "invalid_client");
    }
}

/// A refusal of a resource (RFC 6750 §3, RFC 9728 §5.1); `None` where no token came at all.
#[track_caller]
pub(crate) fn challenge(answer: &Answer, status: u16, error: Option<&str>) {
    assert_eq!(answer.status.as_u16(), status, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let challenge = answer.header("www-authenticate").expect("a refusal says how to do better");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(challenge.contains("resource_metadata=\"http://"), "{challenge}");
    match error {
        Some(error) => assert!(challenge.contains(&format!("error=\"{error}\"")), "{challenge}"),
        None => assert!(!challenge.contains("error="), "{challenge}"),
    }
}
