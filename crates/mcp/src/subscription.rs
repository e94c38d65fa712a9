//! `subscriptions/listen`: one stream for what a server tells of its own accord (2026-07-28, Subscriptions).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The member of `_meta` that every message of such a stream carries: the id of the request that opened it.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// What a client wants to be told; "the server MUST NOT send notification types the client has not explicitly
/// requested".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscriptionFilter {
    /// That the list of tools has changed.
    #[serde(skip_serializing_if = "is_false")]
    pub tools_list_changed: bool,
    /// That the list of prompts has changed.
    #[serde(skip_serializing_if = "is_false")]
    pub prompts_list_changed: bool,
    /// That the list of resources has changed.
    #[serde(skip_serializing_if = "is_false")]
    pub resources_list_changed: bool,
    /// That one of these resources has changed, by URI.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub resource_subscriptions: BTreeSet<String>,
}

impl SubscriptionFilter {
    /// What a server with these capabilities tells, resources aside.
    pub fn of_lists(capabilities: &Map<String, Value>) -> Self {
        let tells = |kind: &str| {
            capabilities.get(kind).and_then(|kind| kind.get("listChanged")) == Some(&Value::Bool(true))
        };
        Self {
            tools_list_changed: tells("tools"),
            prompts_list_changed: tells("prompts"),
            resources_list_changed: tells("resources"),
            resource_subscriptions: BTreeSet::new(),
        }
    }

    /// What both ask for, resources aside, which are taken from this one.
    #[must_use]
    pub fn limited_to(self, other: &Self) -> Self {
        Self {
            tools_list_changed: self.tools_list_changed && other.tools_list_changed,
            prompts_list_changed: self.prompts_list_changed && other.prompts_list_changed,
            resources_list_changed: self.resources_list_changed && other.resources_list_changed,
            resource_subscriptions: self.resource_subscriptions,
        }
    }

    /// Whether a notification is asked for; `uri` is the resource it is about. A server may report a part of a resource
    /// that was subscribed to (2025-11-25, Resources, Subscriptions).
    pub fn takes(&self, method: &str, uri: Option<&str>) -> bool {
        match method {
            "notifications/tools/list_changed" => self.tools_list_changed,
            "notifications/prompts/list_changed" => self.prompts_list_changed,
            "notifications/resources/list_changed" => self.resources_list_changed,
            "notifications/resources/updated" => uri.is_some_and(|uri| {
                self.resource_subscriptions.iter().any(|subscribed| is_part_of(uri, subscribed))
            }),
            _ => false,
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_part_of(uri: &str, resource: &str) -> bool {
    let rest = uri.strip_prefix(resource);
    rest.is_some_and(|rest| rest.is_empty() || resource.ends_with('/') || rest.starts_with(['/', '#', '?']))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde's skip_serializing_if asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_asked_for_is_told() {
        let text = r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]}"#;
        let filter: SubscriptionFilter = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&filter).unwrap(), text);
        for (method, uri, taken) in [
            ("notifications/tools/list_changed", None, true),
            ("notifications/prompts/list_changed", None, false),
            ("notifications/resources/list_changed", None, false),
            ("notifications/resources/updated", Some("file:///a"), true),
            ("notifications/resources/updated", Some("file:///a/b"), true),
            ("notifications/resources/updated", Some("file:///ab"), false),
            ("notifications/resources/updated", None, false),
            ("notifications/message", None, false),
        ] {
            assert_eq!(filter.takes(method, uri), taken, "{method} {uri:?}");
        }
        let Value::Object(capabilities) = json!({ "prompts": { "listChanged": true }, "tools": {} }) else {
            panic!()
        };
        let told = filter.limited_to(&SubscriptionFilter::of_lists(&capabilities));
        assert!(!told.tools_list_changed && told.resource_subscriptions.len() == 1);
    }
}
