//! Which requests can be answered by a stream that others listen to as well, and what the server is asked for all of them.
//! Pure.

use bytes::Bytes;
use http::HeaderMap;
use mcp::json::Object;
use mcp::{ProtocolVersion, RequestMeta, SubscriptionFilter, headers as mirror};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::super::Asked;
use super::told::OURS;
use crate::upstream::remote::implementation;

const METHOD: &str = "subscriptions/listen";
/// What a request has that asks for nothing else.
const PARAMS: [&str; 2] = ["notifications", "_meta"];
const NOTIFICATIONS: [&str; 4] =
    ["toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions"];
/// What says something of the client alone, and nothing of what it wants to hear.
const META: [&str; 5] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "traceparent",
    "tracestate",
];
/// What clients can do that is of no matter here. Who can do more, by an extension, may be told more.
const CAPABILITIES: [&str; 3] = ["elicitation", "sampling", "roots"];
/// Headers that the server would want to see.
const PARAMETER_HEADERS: &str = "mcp-param-";

/// What a request asks for, when that is all there is to it.
pub(super) fn filter_of(asked: &Asked<'_>) -> Option<SubscriptionFilter> {
    let is_plain = asked.request.method == METHOD
        && asked.request.unknown.is_empty()
        && !asked.headers.keys().any(|name| name.as_str().starts_with(PARAMETER_HEADERS));
    let params = members(asked.request.params?, &PARAMS)?;
    members(params.get("_meta")?, &META)?;
    members(asked.params.meta().client_capabilities?, &CAPABILITIES)?;
    let notifications = params.get("notifications").filter(|_| is_plain)?;
    members(notifications, &NOTIFICATIONS)?;
    serde_json::from_str(notifications.get()).ok()
}

/// The members of an object that has no others than `known`.
fn members<'a>(object: &'a RawValue, known: &[&str]) -> Option<Object<'a>> {
    let members = Object::read(object.get(), known).ok()?;
    let has_others = members.iter().any(|(name, _)| !known.contains(&name));
    (!has_others).then_some(members)
}

/// The request of the gateway's own.
pub(super) fn request(filter: &SubscriptionFilter) -> (HeaderMap, Bytes) {
    let meta = RequestMeta {
        protocol_version: ProtocolVersion::LATEST,
        client_info: &implementation(),
        client_capabilities: &json!({}),
    };
    let body = mcp::request(&OURS, METHOD, &json!({ "notifications": filter, "_meta": meta }));
    (mirror::compose(ProtocolVersion::LATEST, METHOD, None).into_iter().collect(), body.into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use mcp::{Message, Params};
    use serde_json::Value;

    use super::*;

    fn plain() -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": METHOD,
            "params": {
                "notifications": { "toolsListChanged": true },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "x", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
                },
            },
        })
    }

    fn filter(body: &Value, headers: &HeaderMap) -> Option<String> {
        let body = Bytes::from(body.to_string());
        let Message::Request(request) = Message::parse(&body).unwrap() else { panic!("a request") };
        let params = Params::read(request.params).unwrap();
        let asked = Asked { headers, body: &body, request: &request, params: &params };
        filter_of(&asked).map(|filter| serde_json::to_string(&filter).unwrap())
    }

    /// The plain request with another value at a place.
    fn with(pointer: &str, name: &str, value: Value) -> Option<String> {
        let mut body = plain();
        body.pointer_mut(pointer).unwrap()[name] = value;
        filter(&body, &HeaderMap::new())
    }

    #[test]
    fn what_is_the_same_is_shared() {
        let tools = Some(r#"{"toolsListChanged":true}"#.to_owned());
        assert_eq!(filter(&plain(), &HeaderMap::new()), tools);
        assert_eq!(with("/params/notifications", "promptsListChanged", json!(false)), tools);
        assert_eq!(with("/params/notifications", "resourceSubscriptions", json!([])), tools);
        assert_eq!(with("/params/_meta", "traceparent", json!("00-0-0-00")), tools);
        let two = r#"{"toolsListChanged":true,"resourceSubscriptions":["a:a","a:b"]}"#;
        for order in [json!(["a:b", "a:a"]), json!(["a:a", "a:b", "a:a"])] {
            assert_eq!(with("/params/notifications", "resourceSubscriptions", order).as_deref(), Some(two));
        }
    }

    #[test]
    fn gw_22_what_is_about_one_client_is_not_shared() {
        const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
        for (pointer, name, value) in [
            ("", "x", json!(1)),
            ("/params", "inputResponses", json!({})),
            ("/params", "cursor", json!("x")),
            ("/params", "notifications", json!(null)),
            ("/params/notifications", "taskIds", json!(["1"])),
            ("/params/notifications", "TOOLSLISTCHANGED", json!(true)),
            ("/params/notifications", "toolsListChanged", json!("true")),
            ("/params/notifications", "resourceSubscriptions", json!("a:b")),
            ("/params/_meta", "progressToken", json!(1)),
            ("/params/_meta", "io.modelcontextprotocol/logLevel", json!("debug")),
            ("/params/_meta", "com.example/tenant", json!("7")),
            ("/params/_meta", CAPABILITIES, json!({ "extensions": { "com.example/x": {} } })),
            ("/params/_meta", CAPABILITIES, json!({ "experimental": {} })),
        ] {
            assert_eq!(with(pointer, name, value.clone()), None, "{pointer}/{name} {value}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("mcp-param-region", HeaderValue::from_static("eu"));
        assert_eq!(filter(&plain(), &headers), None);
    }
}
