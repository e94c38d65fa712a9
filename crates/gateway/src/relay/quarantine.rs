//! Whether something may be called whose definition nobody has approved (UP-02).
//!
//! A list that passed by has told the definition. Where none did lately, the server is asked on behalf of whoever calls,
//! so that what is called is what was approved.

use std::time::Duration;

use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{ErrorCode, ErrorObject};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use super::RelayEndpoint;
use super::admit::Admitted;
use crate::endpoint::Refusal;
use crate::lock::{Judgement, Thing};
use crate::policy::Annotations;
use crate::upstream::remote::listed::{PROMPTS, TOOLS, each};
use crate::upstream::remote::{Caller, UpstreamError};

/// A server is asked no more often than this, however many things are called that it does not list.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// What the audit log calls the lock.
const BY_LOCK: &str = "lock";

/// Refuses what is quarantined, also in the audit log.
pub(super) async fn check(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    admitted: &mut Admitted,
) -> Result<(), Refusal> {
    let Some((thing, name)) = &admitted.called else { return Ok(()) };
    let outcome = Box::pin(is_approved(endpoint, caller, *thing, name)).await;
    if outcome.is_err()
        && let Some(recorded) = admitted.recorded.take()
    {
        recorded.deny(name, BY_LOCK);
    }
    outcome
}

async fn is_approved(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    thing: Thing,
    name: &str,
) -> Result<(), Refusal> {
    if !endpoint.reviewer.is_enforced() {
        return Ok(());
    }
    let judgement = match endpoint.reviewer.known(thing, name) {
        Some(judgement) => judgement,
        None => {
            ask(endpoint, caller, thing, name).await?;
            endpoint.reviewer.known(thing, name).unwrap_or(Judgement::New)
        }
    };
    if judgement == Judgement::Approved {
        return Ok(());
    }
    let (thing, server) = (thing.word(), endpoint.remote.name());
    tracing::info!(server, thing, name, found = judgement.word(), "refused: quarantined");
    let message = format!(
        "the {thing} is quarantined: its definition is {}, and nobody has approved it; the operator of this gateway can, with `vestibule lock approve`",
        judgement.word()
    );
    Err(Refusal::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message)))
}

/// Asks for the list that would have it, unless somebody else just did.
async fn ask(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    thing: Thing,
    name: &str,
) -> Result<(), UpstreamError> {
    // Whoever waits for another's question does not wait for all that wait before.
    let waiting = timeout(ASK_EVERY, endpoint.remote.said().asked.lock()).await;
    let mut asked = waiting.map_err(|_| UpstreamError::TimedOut)?;
    let is_known = endpoint.reviewer.known(thing, name).is_some();
    if is_known || asked.get(&thing).is_some_and(|at| at.elapsed() < ASK_EVERY) {
        return Ok(());
    }
    let list = if thing == Thing::Prompt { PROMPTS } else { TOOLS };
    each(caller, list, &mut |entry| learn(endpoint, thing, entry)).await?;
    asked.insert(thing, Instant::now());
    Ok(())
}

/// Keeps what an entry of a list says, for the calls that follow.
pub(super) fn learn(endpoint: &RelayEndpoint, thing: Thing, entry: &RawValue) {
    let Ok(object) = Object::read(entry.get(), &["name", "annotations"]) else { return };
    let Some(name) = object.get("name").and_then(string) else { return };
    endpoint.reviewer.learn(thing, &name, entry);
    if thing == Thing::Tool {
        endpoint.remote.annotations().keep(&name, Annotations::read(object.get("annotations")));
    }
}
