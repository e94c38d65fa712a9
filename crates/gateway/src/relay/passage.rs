//! One answer on its way from a server to a client. Pure.

mod to_legacy;
mod to_modern;

use audit::Outcome;
use http::StatusCode;
use mcp::json::{Object, is_object, string};
use mcp::{ErrorCode, ErrorObject, InputRequired, ProtocolVersion, RequestId, UrlElicitation};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

pub(super) use self::to_legacy::LegacyClient;
pub(super) use self::to_modern::{ModernClient, Question};
use super::listing::Listing;
use crate::allowed_requests::AllowedRequests;
use crate::review::Reviewed;
use crate::upstream::remote::envelope::{Envelope, Outcome as Answered, refusal};

/// What a client gets instead of a result that asks for what it is not asked here.
const NOT_ALLOWED: &str =
    "the server behind this gateway asks for something that it may not ask of clients here";

/// What is known of a request while its answer passes.
pub(super) struct Passage {
    /// The id that the server was given.
    pub(super) asked_as: RequestId<'static>,
    /// The id that the client gave.
    pub(super) answered_as: RequestId<'static>,
    /// Set when the answer says what the server offers.
    pub(super) list: Option<Listing>,
    /// What was asked, where the answer to it depends on that.
    pub(super) asked: Kind,
    pub(super) eras: Eras,
    /// What the server may ask of the client.
    pub(super) allowed: AllowedRequests,
    /// The server was asked with somebody's own credential, and may answer others otherwise (GW-21).
    pub(super) is_personal: bool,
}

/// What was asked, as far as it matters to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `tools/call`.
    ToolCall,
    /// `server/discover`.
    Discovery,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "tools/call" => Self::ToolCall,
            "server/discover" => Self::Discovery,
            _ => Self::Other,
        }
    }
}

/// The eras on both sides.
#[derive(Debug)]
pub(super) enum Eras {
    /// The same one; whether the client can be given a link with `-32042`.
    Same { knows_links: bool },
    /// A legacy client before a modern server.
    LegacyClient(LegacyClient),
    /// A modern client before a legacy server.
    ModernClient(ModernClient),
}

/// What becomes of one message.
#[derive(Debug)]
pub(super) enum Passed {
    /// The response, as it came.
    Response(Outcome),
    /// The response, changed; with the status for an answer that is no stream.
    Rewritten(StatusCode, Vec<u8>, Outcome),
    /// Something that goes before the response, as it came.
    Before,
    /// The same, changed.
    BeforeInstead(Vec<u8>),
    /// Something that is not for this client.
    Withheld,
    /// A request that the client is not asked; the answer to it.
    Undeliverable(Vec<u8>),
    /// A request that a modern client can only be asked with the response.
    Question(Question),
    /// A response that asks for something that a legacy client is asked with requests.
    InputRequired(InputRequired),
    /// A response that asks to follow links first.
    Links(Vec<UrlElicitation>),
    /// A response that asks for something of the client that the server may not ask for (UP-17): the method, and what
    /// the client gets instead.
    Refused(String, Vec<u8>),
    /// Nothing that can be passed on.
    Malformed,
}

/// It can be read in two ways.
struct Ambiguous;

impl Passage {
    /// Judges one message of the server. Of its requests only those come here that it may make.
    pub(super) fn pass(&self, envelope: &Envelope<'_>) -> Passed {
        match envelope.response_to(&self.asked_as) {
            Some(Answered::Error(error)) => self.error(error),
            Some(Answered::Result(result)) => self.result(result).unwrap_or(Passed::Malformed),
            None => match (&envelope.method, envelope.id, &self.eras) {
                (None, ..) => Passed::Malformed,
                (Some(method), id, Eras::ModernClient(client)) => client.before(method, id, envelope.params),
                // A modern server makes no requests.
                (Some(method), Some(id), Eras::LegacyClient(_)) => {
                    refusal(method, id).map_or(Passed::Malformed, Passed::Undeliverable)
                }
                (Some(_), ..) => Passed::Before,
            },
        }
    }

    /// What becomes of a result; `None` when it can be read in two ways.
    fn result(&self, result: &RawValue) -> Option<Passed> {
        let passes_as_it_is =
            matches!(self.eras, Eras::Same { .. }) && self.list.is_none() && self.asked != Kind::Discovery;
        if passes_as_it_is && !is_object(result) {
            return Some(Passed::Response(Outcome::Succeeded));
        }
        let members = Object::read(result.get(), &["resultType", "inputRequests"]).ok()?;
        let is_failure = members.get("isError").is_some_and(|is_error| is_error.get() == "true");
        let outcome = if is_failure { Outcome::Failed } else { Outcome::Succeeded };
        if is_text(members.get("resultType"), "input_required") {
            if let Some(method) = self.refused_input(&members).ok()? {
                return Some(Passed::Refused(method, self.failure(NOT_ALLOWED.to_owned())));
            }
            if let Eras::LegacyClient(_) = self.eras {
                return serde_json::from_str(result.get()).ok().map(Passed::InputRequired);
            }
        }
        let becomes_private = self.is_personal && members.get("cacheScope").is_some();
        if passes_as_it_is && !becomes_private {
            return Some(Passed::Response(outcome));
        }
        self.rewritten(members).map(|body| Passed::Rewritten(StatusCode::OK, body, outcome))
    }

    /// The first request of an input-required result that the server may not make.
    fn refused_input(&self, members: &Object<'_>) -> Result<Option<String>, Ambiguous> {
        let Some(requests) = members.get("inputRequests") else { return Ok(None) };
        let requests = Object::read(requests.get(), &[]).map_err(|_| Ambiguous)?;
        for (_, request) in requests.iter() {
            let request = Object::read(request.get(), &["method", "params"]).map_err(|_| Ambiguous)?;
            let method = only(&request, "method").and_then(string).ok_or(Ambiguous)?;
            if !self.allowed.allows(&method) {
                return Ok(Some(method.into_owned()));
            }
        }
        Ok(None)
    }

    /// The result as the client's era has it, members that are not touched in their order.
    fn rewritten(&self, members: Object<'_>) -> Option<Vec<u8>> {
        let complete = raw(&"complete");
        let (zero, private) = (raw(&0), raw(&"private"));
        let reviewed = self.list.as_ref().map(|list| (list, list.reviewed(&members)));
        let mut members = members;
        if let Eras::ModernClient(client) = &self.eras {
            members.set("resultType", &complete);
            if client.is_cacheable {
                members.set("ttlMs", &zero);
                members.set("cacheScope", &private);
            }
        }
        if self.is_personal && members.get("cacheScope").is_some() {
            members.set("cacheScope", &private);
        }
        // Whatever the server speaks, its clients here may speak any revision.
        let versions = raw(&ProtocolVersion::ALL);
        if self.asked == Kind::Discovery {
            members.set("supportedVersions", &versions);
        }
        if let Some((list, reviewed)) = &reviewed {
            match reviewed.as_ref()? {
                Reviewed::AsItCame => {}
                Reviewed::Changed(changed) => members.set(list.member(), changed),
                Reviewed::Withheld => {
                    members.take(list.member());
                }
            }
            // What a list shows is decided here, for those who ask here.
            if list.is_personal() && members.get("cacheScope").is_some() {
                members.set("cacheScope", &private);
            }
        }
        Some(mcp::success(&self.answered_as, &members))
    }

    /// What becomes of an error: it asks for nothing that may not be asked for, and may have to cross the eras.
    fn error(&self, error: &RawValue) -> Passed {
        let is_same = matches!(self.eras, Eras::Same { .. });
        let Ok(error) = serde_json::from_str::<ErrorObject>(error.get()) else {
            return if is_same { Passed::Response(Outcome::Failed) } else { Passed::Malformed };
        };
        if error.code == ErrorCode::URL_ELICITATION_REQUIRED {
            if !self.allowed.elicitation {
                return Passed::Refused(
                    "elicitation/create".to_owned(),
                    self.failure(NOT_ALLOWED.to_owned()),
                );
            }
            if let Some(links) = self.links(&error) {
                return Passed::Links(links);
            }
        }
        match &self.eras {
            Eras::Same { .. } => Passed::Response(Outcome::Failed),
            Eras::LegacyClient(client) => self.failed(StatusCode::OK, &client.error(error)),
            Eras::ModernClient(_) => {
                let (status, error) = to_modern::error(error);
                self.failed(status, &error)
            }
        }
    }

    /// The links of a `-32042`, when the client has to get them in another way.
    fn links(&self, error: &ErrorObject) -> Option<Vec<UrlElicitation>> {
        if matches!(self.eras, Eras::Same { knows_links: true }) {
            return None;
        }
        let links = error.data.as_ref()?.get("elicitations")?.clone();
        serde_json::from_value(links).ok().filter(|links: &Vec<_>| !links.is_empty())
    }

    fn failed(&self, status: StatusCode, error: &ErrorObject) -> Passed {
        Passed::Rewritten(status, mcp::failure(Some(&self.answered_as), error), Outcome::Failed)
    }

    /// The response when the server fails to give one.
    pub(super) fn failure(&self, message: String) -> Vec<u8> {
        mcp::failure(Some(&self.answered_as), &ErrorObject::new(ErrorCode::INTERNAL_ERROR, message))
    }
}

/// The one member of this name: one that is there twice could be read in two ways.
pub(super) fn only<'a>(object: &Object<'a>, member: &str) -> Option<&'a RawValue> {
    let mut found = object.iter().filter(|(name, _)| *name == member);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

fn is_text(value: Option<&RawValue>, text: &str) -> bool {
    value.and_then(string).is_some_and(|value| value == text)
}

pub(super) fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text, numbers and raw values cannot fail to serialise")
}
