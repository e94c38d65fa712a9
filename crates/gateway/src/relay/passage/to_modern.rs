//! From a legacy server to a modern client.

use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{ErrorCode, ErrorObject, LogLevel, RequestId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Passed, raw};
use crate::session::sealed::follows_links;
use crate::upstream::remote::envelope::{id_of, refusal};

/// What a modern client said with its request.
#[derive(Debug)]
pub(in super::super) struct ModernClient {
    /// Whether its era lets it keep the result.
    pub(in super::super) is_cacheable: bool,
    pub(in super::super) capabilities: Map<String, Value>,
    /// The least grave log messages that it wants.
    pub(in super::super) log_level: Option<LogLevel>,
    /// The token under which it wants to hear of progress.
    pub(in super::super) progress_token: Option<Box<RawValue>>,
}

/// A request of a legacy server that waits for an answer.
#[derive(Debug, Clone)]
pub(in super::super) struct Question {
    pub(in super::super) id: RequestId<'static>,
    pub(in super::super) method: String,
    pub(in super::super) params: Option<Box<RawValue>>,
}

impl Question {
    /// What the server is told when nobody is asked.
    pub(in super::super) fn refusal(&self) -> Vec<u8> {
        let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "this client cannot be asked now");
        mcp::failure(Some(&self.id), &error)
    }
}

impl ModernClient {
    /// Whether it can be sent to a URL.
    pub(in super::super) fn follows_links(&self) -> bool {
        follows_links(&self.capabilities)
    }

    /// What becomes of a message before the response.
    pub(super) fn before(&self, method: &str, id: Option<&RawValue>, params: Option<&RawValue>) -> Passed {
        match (method, id) {
            (_, Some(id)) if !self.can(method, params) => {
                refusal(method, id).map_or(Passed::Malformed, Passed::Undeliverable)
            }
            (_, Some(id)) => id_of(id).map_or(Passed::Malformed, |id| {
                Passed::Question(Question {
                    id,
                    method: method.to_owned(),
                    params: params.map(ToOwned::to_owned),
                })
            }),
            ("notifications/progress", None) => self.progress(params),
            ("notifications/message", None) if self.wants(params) => Passed::Before,
            // What is not about the request has a stream of its own; links that were followed are not reported.
            (
                "notifications/message"
                | "notifications/tools/list_changed"
                | "notifications/prompts/list_changed"
                | "notifications/resources/list_changed"
                | "notifications/resources/updated"
                | "notifications/elicitation/complete"
                | "notifications/cancelled",
                None,
            ) => Passed::Withheld,
            (_, None) => Passed::Before,
        }
    }

    /// Whether the client said that it can be asked this.
    fn can(&self, method: &str, params: Option<&RawValue>) -> bool {
        let has = |capability: &str| self.capabilities.contains_key(capability);
        match method {
            "sampling/createMessage" => has("sampling"),
            "roots/list" => has("roots"),
            "elicitation/create" => {
                let params = params.and_then(|params| Object::read(params.get(), &["mode"]).ok());
                let mode =
                    params.and_then(|params| params.get("mode").and_then(string).map(|mode| mode == "url"));
                if mode == Some(true) { self.follows_links() } else { has("elicitation") }
            }
            _ => false,
        }
    }

    /// "If absent, the server MUST NOT send any `notifications/message` notifications for this request" (2026-07-28,
    /// `logLevel`).
    fn wants(&self, params: Option<&RawValue>) -> bool {
        #[derive(Deserialize)]
        struct Said {
            level: LogLevel,
        }
        let said = params.and_then(|params| serde_json::from_str::<Said>(params.get()).ok());
        self.log_level.zip(said).is_some_and(|(least, said)| said.level >= least)
    }

    /// The server was given a token of ours, since many requests share its session.
    fn progress(&self, params: Option<&RawValue>) -> Passed {
        let Some(token) = &self.progress_token else { return Passed::Withheld };
        let Some(params) = params.and_then(|params| Object::read(params.get(), &[]).ok()) else {
            return Passed::Malformed;
        };
        let mut params = params;
        params.set("progressToken", token);
        Passed::BeforeInstead(mcp::notification("notifications/progress", &raw(&params)))
    }
}

/// An error as the modern era says it, with the status that it has there.
pub(super) fn error(mut error: ErrorObject) -> (StatusCode, ErrorObject) {
    match error.code {
        ErrorCode::RESOURCE_NOT_FOUND => error.code = ErrorCode::INVALID_PARAMS,
        ErrorCode::METHOD_NOT_FOUND => return (StatusCode::NOT_FOUND, error),
        _ => {}
    }
    (StatusCode::OK, error)
}
