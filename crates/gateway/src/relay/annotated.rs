//! What a server says about a tool that is about to be called, for rules that look at it.
//!
//! A list that passed by has told it. Where none did, on this node and since it started, the server is asked, once in a
//! while and on behalf of whoever calls; of a tool that it does not list the careful answer is taken.

use guard::Permit;

use super::{RelayEndpoint, credential, quarantine, waiting_room};
use crate::lock::Thing;
use crate::policy::Annotations;
use crate::upstream::remote::listed::{TOOLS, each};

/// The annotations of the tool called `tool`.
pub(super) async fn annotations(endpoint: &RelayEndpoint, permit: &Permit, tool: &str) -> Annotations {
    if !endpoint.gate.policy.looks_at_annotations() {
        return Annotations::default();
    }
    Box::pin(look_up(endpoint, permit, tool)).await
}

async fn look_up(endpoint: &RelayEndpoint, permit: &Permit, tool: &str) -> Annotations {
    let known = endpoint.remote.annotations();
    if let Some(annotations) = known.of(tool) {
        return annotations;
    }
    let Some(permit) = endpoint.guard.renew(permit) else { return Annotations::default() };
    let Ok(caller) = credential::caller(endpoint, permit).await else {
        return if tool == waiting_room::CONNECT {
            waiting_room::ANNOTATIONS
        } else {
            Annotations::default()
        };
    };
    if known.may_ask(endpoint.front.clock.now())
        && let Err(error) = each(&caller, TOOLS, &mut |tool| {
            quarantine::learn(endpoint, Thing::Tool, tool);
        })
        .await
    {
        tracing::warn!(server = endpoint.remote.name(), %error, "the annotations of tools cannot be asked for");
    }
    known.of(tool).unwrap_or_default()
}
