//! What a request asks for, and whether it may: decided once, by the body, before anything is sent.

use std::borrow::Cow;

use guard::Permit;
use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{CallToolParams, Era, InvalidParams, Params};
use serde::Deserialize;

use super::{RelayEndpoint, annotated};
use crate::endpoint::{CallRefusal, Refusal};
use crate::gate::Gate;
use crate::lock;
use crate::policy::{Arguments, Target};
use crate::recorded::RecordedCall;

/// A request that may go on.
#[derive(Default)]
pub(super) struct Admitted {
    /// Its entry in the audit log, when it is a tool call.
    pub(super) recorded: Option<RecordedCall>,
    /// What it calls, whose definition must have been approved.
    pub(super) called: Option<(lock::Thing, String)>,
}

/// Lets the request pass, or not. Whether what it calls was approved is looked at when the server can be asked.
pub(super) async fn admit(
    endpoint: &RelayEndpoint,
    permit: &Permit,
    era: Era,
    (method, params): (&str, &Params<'_>),
) -> Result<Admitted, Refusal> {
    let gate = &endpoint.gate;
    // Each of its members has a gate of its own.
    if endpoint.remote.is_virtual() {
        return Ok(Admitted::default());
    }
    if method == "tools/call" {
        let call = CallToolParams::read(params).map_err(CallRefusal::Params)?;
        let annotations = annotated::annotations(endpoint, permit, &call.name).await;
        let recorded = gate.call(permit, &call, annotations).await?;
        let is_locked = endpoint.reviewer.is_enforced();
        let called = is_locked.then(|| (lock::Thing::Tool, call.name.into_owned()));
        return Ok(Admitted { recorded: Some(recorded), called });
    }
    if method != "ping" {
        gate.count(permit).await?;
    }
    let mut called = None;
    match method {
        // A client must see what there is before it can ask its user for more.
        "initialize" | "ping" | "server/discover" | "tools/list" => {}
        // What stands in these is decided for each.
        "prompts/list" | "resources/list" | "resources/templates/list" => {
            gate.list(permit).map_err(CallRefusal::from)?;
        }
        method => {
            for thing in things(method, params).map_err(|error| Refusal::params(StatusCode::OK, &error))? {
                pass(gate, permit, era, &thing)?;
                if let Thing::Prompt(name, _) = thing {
                    called = Some((lock::Thing::Prompt, name.into_owned()));
                }
            }
        }
    }
    Ok(Admitted { recorded: None, called })
}

fn pass(gate: &Gate, permit: &Permit, era: Era, thing: &Thing<'_>) -> Result<(), Refusal> {
    let (target, arguments) = match thing {
        Thing::Prompt(name, arguments) => (Target::Prompt(name), *arguments),
        Thing::Resource(uri) => (Target::Resource(uri), Arguments::Known(None)),
        Thing::Protocol => (Target::Protocol, Arguments::Known(None)),
    };
    gate.pass(permit, target, arguments).map_err(|refused| refused.to(target, era))
}

/// What a request is about.
enum Thing<'a> {
    Prompt(Cow<'a, str>, Arguments<'a>),
    Resource(Cow<'a, str>),
    Protocol,
}

fn things<'a>(method: &str, params: &Params<'a>) -> Result<Vec<Thing<'a>>, InvalidParams> {
    Ok(match method {
        "prompts/get" => {
            let arguments = Arguments::Known(params.object("arguments")?);
            vec![Thing::Prompt(params.required_string("name")?, arguments)]
        }
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            vec![Thing::Resource(params.required_string("uri")?)]
        }
        "completion/complete" => vec![completed(params)?],
        "subscriptions/listen" => {
            let resources = subscribed(params)?.into_iter().map(|uri| Thing::Resource(Cow::Owned(uri)));
            std::iter::once(Thing::Protocol).chain(resources).collect()
        }
        _ => vec![Thing::Protocol],
    })
}

/// What is completed belongs to a prompt or a resource, and tells about it as much as the thing itself.
fn completed<'a>(params: &Params<'a>) -> Result<Thing<'a>, InvalidParams> {
    let reference = params.object("ref")?.ok_or(InvalidParams::Missing("ref"))?;
    let reference = Object::read(reference.get(), &["type", "name", "uri"])?;
    let text = |member| reference.get(member).and_then(string).ok_or(InvalidParams::Missing(member));
    match &*text("type")? {
        // Arguments that are still being written are not those of the call.
        "ref/prompt" => Ok(Thing::Prompt(text("name")?, Arguments::Unknown)),
        "ref/resource" => Ok(Thing::Resource(text("uri")?)),
        _ => Err(InvalidParams::Type { member: "ref", expected: "a reference to a prompt or a resource" }),
    }
}

/// The resources whose changes a client wants to be told (2026-07-28, Subscriptions).
fn subscribed(params: &Params<'_>) -> Result<Vec<String>, InvalidParams> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Wanted {
        resource_subscriptions: Vec<String>,
    }
    let Some(wanted) = params.object("notifications")? else { return Ok(Vec::new()) };
    let wanted: Result<Wanted, _> = serde_json::from_str(wanted.get());
    let unreadable = InvalidParams::Type { member: "notifications", expected: "a filter of notifications" };
    wanted.map(|wanted| wanted.resource_subscriptions).map_err(|_| unreadable)
}
