//! Lists: every member's at once, one after the other in the order of the configuration.
//!
//! A page of the joint list is the next page of each member that has one; its cursor holds theirs. So nothing is kept
//! here between two pages, and a member with a long list is as slow as it is, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use guard::Permit;
use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{CacheScope, ErrorCode, ErrorObject, ResultType};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::timeout;

use super::{Asked, Member, Members, invalid_params, members, names};
use crate::endpoint::Refusal;
use crate::upstream::remote::Answer;
use crate::upstream::remote::envelope::Outcome;

/// The member of `_meta` that names who is missing.
const MISSING: &str = "vestibule/missing";
/// How long a client may keep a list of members that do not say so, in milliseconds.
const TTL_MS: u64 = 0;

/// What a list is a list of.
struct Kind {
    /// The member of the result that holds the list.
    list: &'static str,
    /// The member of an entry that is spaced.
    called: &'static str,
    space: fn(&str, &str) -> String,
}

fn kind(method: &str) -> Kind {
    match method {
        "prompts/list" => Kind { list: "prompts", called: "name", space: names::spaced },
        "resources/list" => Kind { list: "resources", called: "uri", space: names::spaced_uri },
        "resources/templates/list" => {
            Kind { list: "resourceTemplates", called: "uriTemplate", space: names::spaced_uri }
        }
        _ => Kind { list: "tools", called: "name", space: names::spaced },
    }
}

/// The joint list, as far as there is one within `within`.
pub(super) async fn joint(
    members: &Members,
    permit: &Permit,
    asked: &Asked<'_>,
    within: Duration,
) -> Result<Answer, Refusal> {
    let cursors = cursors(asked, members)?;
    let parts = members.list.iter().filter_map(|member| {
        let cursor = match &cursors {
            None => None,
            Some(cursors) => Some(cursors.get(&member.name)?),
        };
        Some(async move {
            let part = timeout(within, part(members, member, permit, asked, cursor.map(String::as_str)));
            (
                member,
                part.await.unwrap_or_else(|_| Err(Missing::Away("it did not answer in time".to_owned()))),
            )
        })
    });
    join(&kind(&asked.request.method), asked, join_all(parts).await)
}

/// A member's page.
struct Part {
    entries: Vec<Box<RawValue>>,
    next: Option<String>,
    ttl_ms: u64,
}

/// Why there is none.
enum Missing {
    /// The member's gate does not let the caller pass; a complete answer.
    Refused(Refusal),
    /// The member fails.
    Away(String),
}

async fn part(
    members: &Members,
    member: &Member,
    permit: &Permit,
    asked: &Asked<'_>,
    cursor: Option<&str>,
) -> Result<Part, Missing> {
    let away = |error: crate::upstream::remote::UpstreamError| Missing::Away(error.to_string());
    let params = match cursor {
        Some(cursor) => asked.params.with("cursor", &raw(&cursor)),
        None => raw(&asked.request.params),
    };
    // Without parameters of its own a request of this era has `_meta` at least.
    let response = match members.ask(member, permit, asked, &params).await {
        Ok(response) => response,
        Err(Refusal::Request(_, _, error)) => return of_error(&error),
        Err(refusal) => return Err(Missing::Refused(refusal)),
    };
    match members::outcome(response, &asked.request.id).await.map_err(away)? {
        Outcome::Result(result) => read(&kind(&asked.request.method), &member.name, &result)
            .ok_or_else(|| Missing::Away("its list cannot be read".to_owned())),
        Outcome::Error(error) => match serde_json::from_str(error.get()) {
            Ok(error) => of_error(&error),
            Err(_) => Err(Missing::Away("its list cannot be read".to_owned())),
        },
    }
}

/// A member without such things has an empty list of them.
fn of_error(error: &ErrorObject) -> Result<Part, Missing> {
    if error.code == ErrorCode::METHOD_NOT_FOUND {
        return Ok(Part { entries: Vec::new(), next: None, ttl_ms: u64::MAX });
    }
    Err(Missing::Away(error.message.clone()))
}

/// A page as a member gave it, with spaced names. An entry without a name is nothing that could be asked for.
fn read(kind: &Kind, member: &str, result: &RawValue) -> Option<Part> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        next_cursor: Option<String>,
        ttl_ms: Option<u64>,
    }
    let page: Page = serde_json::from_str(result.get()).ok()?;
    let object = Object::read(result.get(), &[kind.list]).ok()?;
    let entries: Vec<&RawValue> = serde_json::from_str(object.get(kind.list)?.get()).ok()?;
    Some(Part {
        entries: entries.into_iter().filter_map(|entry| spaced(kind, member, entry)).collect(),
        next: page.next_cursor,
        ttl_ms: page.ttl_ms.unwrap_or(TTL_MS),
    })
}

fn spaced(kind: &Kind, member: &str, entry: &RawValue) -> Option<Box<RawValue>> {
    let mut entry = Object::read(entry.get(), &[kind.called]).ok()?;
    let name = raw(&(kind.space)(member, &string(entry.get(kind.called)?)?));
    entry.set(kind.called, &name);
    Some(raw(&entry))
}

/// One list of the parts. When nobody could be asked, that is the answer: an empty list would say that there is nothing.
fn join(
    kind: &Kind,
    asked: &Asked<'_>,
    parts: Vec<(&Member, Result<Part, Missing>)>,
) -> Result<Answer, Refusal> {
    let nobody_answered = !parts.is_empty() && parts.iter().all(|(_, part)| part.is_err());
    let (mut list, mut cursors, mut missing, mut refusals) =
        (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
    let mut ttl_ms = u64::MAX;
    for (member, part) in parts {
        match part {
            Ok(part) => {
                list.extend(part.entries);
                cursors.extend(part.next.map(|next| (&member.name, next)));
                ttl_ms = ttl_ms.min(part.ttl_ms);
            }
            Err(Missing::Away(reason)) => {
                tracing::info!(member = %member.name, reason, "a member is missing in a list");
                missing.push(json!({ "server": member.name, "reason": reason }));
            }
            Err(Missing::Refused(refusal)) => {
                missing
                    .push(json!({ "server": member.name, "reason": "the access token does not allow it" }));
                refusals.push(refusal);
            }
        }
    }
    if nobody_answered {
        return Err(refusals.into_iter().next().unwrap_or_else(|| {
            let error =
                ErrorObject::new(ErrorCode::INTERNAL_ERROR, "none of the servers behind this one answers");
            let error = error.with_data(json!({ "missing": missing }));
            Refusal::Request(StatusCode::BAD_GATEWAY, None, error)
        }));
    }
    let mut result = BTreeMap::from([("resultType", raw(&ResultType::Complete)), (kind.list, raw(&list))]);
    if !cursors.is_empty() {
        result.insert("nextCursor", raw(&encoded(&cursors)));
    }
    if !missing.is_empty() {
        result.insert("_meta", raw(&json!({ MISSING: missing })));
    }
    // Whoever is missing now may be there in a moment. What a list shows depends on who asks, at a member or at its
    // gate, and one page must not be more public than another (GW-21).
    let ttl_ms = if missing.is_empty() && ttl_ms < u64::MAX { ttl_ms } else { 0 };
    result.extend([("ttlMs", raw(&ttl_ms)), ("cacheScope", raw(&CacheScope::Private))]);
    Ok(Answer::Json(StatusCode::OK, mcp::success(&asked.request.id, &result).into()))
}

/// The cursors of those members that have a further page; `None` for the first page, which all have.
fn cursors(asked: &Asked<'_>, members: &Members) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let unknown = || invalid_params("invalid params: \"cursor\" is not one of this list");
    let Some(cursor) = asked.params.string("cursor").map_err(|_| unknown())? else { return Ok(None) };
    let cursors = URL_SAFE_NO_PAD.decode(&*cursor).map_err(|_| unknown())?;
    let cursors: BTreeMap<String, String> = serde_json::from_slice(&cursors).map_err(|_| unknown())?;
    // A member that was removed between two pages has no further one.
    let known = cursors.into_iter().filter(|(name, _)| members.named(name).is_some());
    Ok(Some(known.collect()))
}

fn encoded(cursors: &BTreeMap<&String, String>) -> String {
    URL_SAFE_NO_PAD.encode(raw(cursors).get())
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text, numbers and raw values cannot fail to serialise")
}
