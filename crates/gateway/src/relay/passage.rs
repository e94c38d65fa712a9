//! One answer on its way from a server to a client. Pure.

use std::sync::Arc;

use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{ErrorCode, ErrorObject, RequestId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::allowed_requests::AllowedRequests;
use crate::policy::ToolPolicy;
use crate::upstream::remote::envelope::{Envelope, Outcome};

/// What a client gets instead of a result that asks for what it is not asked here.
const NOT_ALLOWED: &str =
    "the server behind this gateway asks for something that it may not ask of clients here";

/// What is known of a request while its answer passes.
pub(super) struct Passage {
    /// The id that the server was given.
    pub(super) asked_as: RequestId<'static>,
    /// The id that the client gave.
    pub(super) answered_as: RequestId<'static>,
    /// Set when the answer is a list of tools.
    pub(super) list: Option<Arc<ToolPolicy>>,
    pub(super) eras: Eras,
    /// What the server may ask of the client.
    pub(super) allowed: AllowedRequests,
}

/// The eras on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eras {
    /// The same one.
    Same,
    /// A legacy client before a modern server.
    LegacyClient,
    /// A modern client before a legacy server; whether the modern era lets clients keep the result.
    ModernClient { is_cacheable: bool },
}

/// What becomes of one message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The response, as it came.
    Response,
    /// The response, changed; with the status for an answer that is no stream.
    Rewritten(StatusCode, Vec<u8>),
    /// Something that goes before the response, as it came.
    Before,
    /// A request that the client cannot be asked; the answer to it.
    Undeliverable(Vec<u8>),
    /// A response that asks for something of the client that the server may not ask for (UP-17): the method, and what
    /// the client gets instead.
    Refused(String, Vec<u8>),
    /// Nothing that can be passed on.
    Malformed,
}

impl Passage {
    /// Judges one message of the server. Of its requests only those come here that it may make.
    pub(super) fn pass(&self, envelope: &Envelope<'_>) -> Passed {
        match envelope.response_to(&self.asked_as) {
            Some(Outcome::Error(error)) => self.error(error),
            Some(Outcome::Result(result)) => self.result(result).unwrap_or(Passed::Malformed),
            None => match (&envelope.method, envelope.id) {
                (Some(_), Some(id)) if self.eras != Eras::Same => {
                    refusal(id).map_or(Passed::Malformed, Passed::Undeliverable)
                }
                (Some(_), _) => Passed::Before,
                (None, _) => Passed::Malformed,
            },
        }
    }

    /// What becomes of a result; `None` when it can be read in two ways.
    fn result(&self, result: &RawValue) -> Option<Passed> {
        let members = Object::read(result.get(), &["resultType", "inputRequests"]).ok()?;
        if is_text(members.get("resultType"), "input_required")
            && let Some(method) = self.refused_input(&members)?
        {
            return Some(Passed::Refused(method, self.failure(NOT_ALLOWED.to_owned())));
        }
        if self.eras == Eras::Same && self.list.is_none() {
            return Some(Passed::Response);
        }
        self.rewritten(&members).map(|body| Passed::Rewritten(StatusCode::OK, body))
    }

    /// The first request of an input-required result that the server may not make.
    fn refused_input(&self, members: &Object<'_>) -> Option<Option<String>> {
        let Some(requests) = members.get("inputRequests") else { return Some(None) };
        let requests = Object::read(requests.get(), &[]).ok()?;
        for (_, request) in requests.iter() {
            let request = Object::read(request.get(), &["method", "params"]).ok()?;
            let method = only(&request, "method").and_then(string)?;
            if !self.allowed.allows(&method) {
                return Some(Some(method.into_owned()));
            }
        }
        Some(None)
    }

    /// The result as the client's era has it, members that are not touched in their order.
    fn rewritten(&self, members: &Object<'_>) -> Option<Vec<u8>> {
        let mut members = members.clone();
        if self.eras == Eras::LegacyClient && is_text(members.get("resultType"), "input_required") {
            let error = ErrorObject::new(
                ErrorCode::INTERNAL_ERROR,
                "the server behind this gateway asks for further input, which a client of this revision cannot give",
            );
            return Some(mcp::failure(Some(&self.answered_as), &error));
        }
        let complete = raw(&"complete");
        let (zero, private) = (raw(&0), raw(&"private"));
        if let Eras::ModernClient { is_cacheable } = self.eras {
            members.set("resultType", &complete);
            if is_cacheable {
                members.set("ttlMs", &zero);
                members.set("cacheScope", &private);
            }
        }
        let tools;
        if let Some(policy) = &self.list {
            tools = listed(&members, policy)?;
            members.set("tools", &tools);
            // What a list shows is decided here, for those who ask here.
            if members.get("cacheScope").is_some() {
                members.set("cacheScope", &private);
            }
        }
        Some(mcp::success(&self.answered_as, &members))
    }

    /// What becomes of an error: it asks for nothing that may not be asked for, and may have to cross the eras.
    fn error(&self, error: &RawValue) -> Passed {
        let Ok(mut error) = serde_json::from_str::<ErrorObject>(error.get()) else {
            return if self.eras == Eras::Same { Passed::Response } else { Passed::Malformed };
        };
        if error.code == ErrorCode::URL_ELICITATION_REQUIRED && !self.allowed.elicitation {
            return Passed::Refused("elicitation/create".to_owned(), self.failure(NOT_ALLOWED.to_owned()));
        }
        if self.eras == Eras::Same {
            return Passed::Response;
        }
        let mut status = StatusCode::OK;
        if matches!(self.eras, Eras::ModernClient { .. }) {
            if error.code == ErrorCode::RESOURCE_NOT_FOUND {
                error.code = ErrorCode::INVALID_PARAMS;
            }
            if error.code == ErrorCode::METHOD_NOT_FOUND {
                status = StatusCode::NOT_FOUND;
            }
        }
        Passed::Rewritten(status, mcp::failure(Some(&self.answered_as), &error))
    }

    /// The response when the server fails to give one.
    pub(super) fn failure(&self, message: String) -> Vec<u8> {
        mcp::failure(Some(&self.answered_as), &ErrorObject::new(ErrorCode::INTERNAL_ERROR, message))
    }
}

/// The tools that the policy lists, each as it came. A list or a name that is there twice could be read in two ways.
fn listed(result: &Object<'_>, policy: &ToolPolicy) -> Option<Box<RawValue>> {
    let tools: Vec<&RawValue> = serde_json::from_str(only(result, "tools")?.get()).ok()?;
    let is_listed = |tool: &&RawValue| {
        let tool = Object::read(tool.get(), &["name"]).ok();
        let name = tool.as_ref().and_then(|tool| only(tool, "name")).and_then(string);
        name.is_some_and(|name| policy.lists(&name))
    };
    Some(raw(&tools.into_iter().filter(is_listed).collect::<Vec<_>>()))
}

fn only<'a>(object: &Object<'a>, member: &str) -> Option<&'a RawValue> {
    let mut found = object.iter().filter(|(name, _)| *name == member);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// What the server is told of a request that the client is not asked; `None` when it has no proper id.
pub(super) fn refusal(id: &RawValue) -> Option<Vec<u8>> {
    let id = match serde_json::from_str(id.get()).ok()? {
        Value::String(id) => RequestId::String(id.into()),
        Value::Number(id) => RequestId::Integer(id.as_i64()?),
        _ => return None,
    };
    let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "this client offers no such capability");
    Some(mcp::failure(Some(&id), &error))
}

fn is_text(value: Option<&RawValue>, text: &str) -> bool {
    value.and_then(string).is_some_and(|value| value == text)
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text, numbers and raw values cannot fail to serialise")
}

/// What a legacy server offers, as far as it holds for a client of the other era: neither streams of the server's own
/// nor requests of the server reach across.
pub(super) fn across(capabilities: &serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    let mut capabilities = capabilities.clone();
    capabilities.remove("logging");
    for offered in capabilities.values_mut().filter_map(Value::as_object_mut) {
        for announced in ["listChanged", "subscribe"] {
            if let Some(announced) = offered.get_mut(announced) {
                *announced = json!(false);
            }
        }
    }
    capabilities
}
