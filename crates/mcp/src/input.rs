//! Input-required results: how a server of the modern era asks its client for something (2026-07-28, Multi Round-Trip
//! Requests). The client answers by sending its request again, with `inputResponses` and `requestState`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ResultType;

/// A result that asks for input before there can be another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequired {
    /// Always [`ResultType::InputRequired`].
    pub result_type: ResultType,
    /// What is asked, under the names that the answers come back with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_requests: BTreeMap<String, InputRequest>,
    /// What the client sends back as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

/// One thing that is asked: a request of the legacy era without its envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputRequest {
    /// `elicitation/create`, `sampling/createMessage` or `roots/list`.
    pub method: String,
    /// Its parameters, as the server wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
}

impl InputRequired {
    /// A result that asks for `input_requests`.
    pub fn new(input_requests: BTreeMap<String, InputRequest>, request_state: Option<String>) -> Self {
        Self { result_type: ResultType::InputRequired, input_requests, request_state }
    }
}

/// A link that a person has to follow before a request can succeed; an entry of `data.elicitations` in the legacy
/// era's `-32042` (2025-11-25, Elicitation, URL Elicitation Required Error).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlElicitation {
    /// Where to.
    pub url: String,
    /// Why, for the person to read.
    #[serde(default)]
    pub message: String,
    /// What the server calls it; the modern era has no such name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_required_result_is_written_as_it_was_read() {
        let text = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"z":1.0,"mode":"url"}},"b":{"method":"roots/list"}},"requestState":"s"}"#;
        let read: InputRequired = serde_json::from_str(text).unwrap();
        assert_eq!(read.input_requests["a"].params.as_ref().unwrap().get(), r#"{"z":1.0,"mode":"url"}"#);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
