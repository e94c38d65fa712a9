//! What a message of the server is to those who share its stream. Pure.

use mcp::SubscriptionFilter;

use super::super::super::passage::{Passage, Passed};
use super::super::uri_of;
use super::told::Kind;
use crate::upstream::remote::envelope::Envelope;

/// The first message of a stream.
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// What becomes of one message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Everybody gets it.
    Told(Kind),
    /// A response that asks for something that the server may not ask for: the method, and what everybody gets instead.
    Refused(String, Vec<u8>),
    /// A request, which a modern server does not make; its method.
    Request(String),
    /// Nobody has asked to be told that.
    Unwanted,
    /// Nothing that can be passed on.
    Malformed,
}

/// "The server MUST NOT send notification types the client has not explicitly requested" (2026-07-28, Subscriptions): what
/// each listener was admitted to is what all have asked for, and the server has no say in it.
pub(super) fn heard(passage: &Passage, filter: &SubscriptionFilter, envelope: &Envelope<'_>) -> Heard {
    match (passage.pass(envelope), envelope.method.as_deref()) {
        (Passed::Response(_), _) => Heard::Told(Kind::Response),
        (Passed::Refused(method, body), _) => Heard::Refused(method, body),
        (Passed::Before, Some(method)) if envelope.id.is_some() => Heard::Request(method.to_owned()),
        (Passed::Before, Some(ACKNOWLEDGED)) => Heard::Told(Kind::Acknowledgement),
        (Passed::Before, Some(method)) if filter.takes(method, uri_of(envelope.params).as_deref()) => {
            Heard::Told(Kind::Notification)
        }
        (Passed::Before, Some(_)) => Heard::Unwanted,
        _ => Heard::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::passage::{Eras, Kind as Asked};
    use super::super::told::OURS;
    use super::*;
    use crate::allowed_requests::AllowedRequests;

    #[test]
    fn nobody_hears_what_nobody_asked_for() {
        let passage = Passage {
            asked_as: OURS,
            answered_as: OURS,
            list: None,
            asked: Asked::Other,
            eras: Eras::Same { knows_links: true },
            allowed: AllowedRequests { elicitation: false, ..AllowedRequests::default() },
            is_personal: false,
        };
        let filter = r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]}"#;
        let filter: SubscriptionFilter = serde_json::from_str(filter).unwrap();
        let told = Heard::Told;
        for (text, expected) in [
            (r#"{"method":"notifications/subscriptions/acknowledged"}"#, told(Kind::Acknowledgement)),
            (r#"{"method":"notifications/tools/list_changed"}"#, told(Kind::Notification)),
            (
                r#"{"method":"notifications/resources/updated","params":{"uri":"file:///a"}}"#,
                told(Kind::Notification),
            ),
            (r#"{"method":"notifications/resources/updated","params":{"uri":"file:///b"}}"#, Heard::Unwanted),
            (r#"{"method":"notifications/resources/updated"}"#, Heard::Unwanted),
            (r#"{"method":"notifications/prompts/list_changed"}"#, Heard::Unwanted),
            (r#"{"method":"notifications/message","params":{"data":"of somebody else"}}"#, Heard::Unwanted),
            (r#"{"method":"notifications/progress","params":{"progressToken":1}}"#, Heard::Unwanted),
            (
                r#"{"id":1,"method":"notifications/tools/list_changed"}"#,
                Heard::Request("notifications/tools/list_changed".to_owned()),
            ),
            (r#"{"id":9,"method":"elicitation/create"}"#, Heard::Request("elicitation/create".to_owned())),
            (r#"{"id":1,"result":{"resultType":"complete"}}"#, told(Kind::Response)),
            (r#"{"id":1,"error":{"code":-32601,"message":"no"}}"#, told(Kind::Response)),
            (r#"{"id":2,"result":{}}"#, Heard::Malformed),
            (r#"{"id":"1","result":{}}"#, Heard::Malformed),
            ("{}", Heard::Malformed),
        ] {
            assert_eq!(
                heard(&passage, &filter, &Envelope::read(text.as_bytes()).unwrap()),
                expected,
                "{text}"
            );
        }
        let links = r#"{"id":1,"error":{"code":-32042,"message":"x","data":{"elicitations":[]}}}"#;
        let links = heard(&passage, &filter, &Envelope::read(links.as_bytes()).unwrap());
        assert!(matches!(links, Heard::Refused(method, _) if method == "elicitation/create"));
    }
}
