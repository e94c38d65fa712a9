//! Requests about one thing, which belongs to one member.

use guard::Permit;
use mcp::json::{Object, string};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Asked, Members, invalid_params, members, names};
use crate::endpoint::{CallRefusal, Refusal};
use crate::upstream::remote::Answer;

/// Asks the member whose thing it is, by the name that it has there.
pub(super) async fn ask(members: &Members, permit: &Permit, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let (member, params) = match &*asked.request.method {
        "resources/read" => by_uri(asked)?,
        "completion/complete" => by_reference(asked)?,
        _ => by_name(asked)?,
    };
    let member = members.named(&member).ok_or_else(|| unknown(&asked.request.method))?;
    let response = members.ask(member, permit, asked, &params).await?;
    Ok(members::passed_on(member, response, &asked.request.id).await?)
}

/// Whose it is, and the parameters as the member reads them.
type Route = (String, Box<RawValue>);

fn by_name(asked: &Asked<'_>) -> Result<Route, Refusal> {
    let name = asked.params.required_string("name").map_err(CallRefusal::Params)?;
    let (member, name) = names::split(&name).ok_or_else(|| unknown(&asked.request.method))?;
    Ok((member.to_owned(), asked.params.with("name", &raw(&name))))
}

fn by_uri(asked: &Asked<'_>) -> Result<Route, Refusal> {
    let uri = asked.params.required_string("uri").map_err(CallRefusal::Params)?;
    let (member, uri) = names::split_uri(&uri).ok_or_else(|| unknown(&asked.request.method))?;
    Ok((member.to_owned(), asked.params.with("uri", &raw(&uri))))
}

/// `ref` names a prompt, or the template of a resource (2025-11-25, Completion).
fn by_reference(asked: &Asked<'_>) -> Result<Route, Refusal> {
    let reference = asked.params.object("ref").map_err(CallRefusal::Params)?;
    let nobodys = || invalid_params("invalid params: \"ref\" names nothing of this server");
    let reference = reference.ok_or_else(nobodys)?;
    let mut members = Object::read(reference.get(), &["type", "name", "uri"]).map_err(|_| nobodys())?;
    let text = |members: &Object<'_>, member| members.get(member).and_then(string).map(String::from);
    let name = text(&members, "name");
    let uri = text(&members, "uri");
    let (key, route) =
        match (name.as_deref().and_then(names::split), uri.as_deref().and_then(names::split_uri)) {
            (Some(route), None) => ("name", route),
            (None, Some(route)) => ("uri", route),
            _ => return Err(nobodys()),
        };
    let called = raw(&route.1);
    members.set(key, &called);
    Ok((route.0.to_owned(), asked.params.with("ref", &raw(&members))))
}

/// The same answer that the member gives for what it does not know: which names are taken is nobody's business.
fn unknown(method: &str) -> Refusal {
    match method {
        "tools/call" => CallRefusal::UnknownTool.into(),
        "prompts/get" => invalid_params("unknown prompt: prompts/list names the prompts of this server"),
        "completion/complete" => invalid_params("invalid params: \"ref\" names nothing of this server"),
        _ => invalid_params(
            "resource not found: the URIs of this server begin with the name of a member, as resources/list has them",
        ),
    }
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text and raw members cannot fail to serialise")
}
