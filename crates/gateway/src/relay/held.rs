//! Calls of modern clients that wait at a legacy server for an answer of the client.
//!
//! 1. The server asks (`elicitation/create`, `sampling/createMessage`, `roots/list`) on the stream of the call.
//! 2. The client gets an input-required result with the question and a sealed `requestState`; the stream is held.
//! 3. It sends its request again with the answer, which goes to the server, and the stream goes on as the answer to the
//!    new request: with the next question, or the result.
//!
//! How many calls are held is bounded, and so is the time. When it is over the server is told that nobody answers, and
//! the call is cancelled there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp::{ErrorCode, ErrorObject, InputRequest, InputRequired, RequestId};
use secret::Digest;
use serde_json::value::RawValue;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::conversation::Conversation;
use super::kept::Kept;
use super::passage::Question;
use crate::endpoint::principal;
use crate::session::state::Waits;
use crate::settings::Front;
use crate::upstream::remote::UpstreamError;

/// How many calls a node holds for one server.
const HELD: usize = 1_024;
/// How many of them may be one principal's; the one that has waited longest makes room.
const HELD_FOR_ONE: usize = 16;
/// The name of the question, and of the answer to it. A server asks one thing after another.
pub(super) const QUESTION: &str = "question";

/// A call that waits.
pub(super) struct HeldCall {
    pub(super) conversation: Conversation,
    pub(super) question: Question,
    /// The id of the call at the server.
    pub(super) asked_as: RequestId<'static>,
}

/// The calls that wait at one server.
#[derive(Default)]
pub(crate) struct HeldCalls(Mutex<HashMap<String, Entry>>);

struct Entry {
    owner: Digest,
    call: HeldCall,
    since: Instant,
    /// Ends the wait when it has taken too long.
    expiry: Option<AbortHandle>,
}

impl HeldCalls {
    /// Gives the call back when as many are held as may be; or the one that had to make room.
    fn put(&self, key: &str, call: HeldCall) -> Result<Option<HeldCall>, Box<HeldCall>> {
        let owner = principal(call.conversation.caller().permit()).digest();
        let mut held = self.held();
        let own = || held.iter().filter(|(_, entry)| entry.owner == owner);
        let longest = own().min_by_key(|(_, entry)| entry.since).map(|(key, _)| key.clone());
        let longest = longest.filter(|_| own().count() >= HELD_FOR_ONE);
        if longest.is_none() && held.len() >= HELD {
            return Err(Box::new(call));
        }
        let displaced = longest.and_then(|longest| held.remove(&longest)).map(Entry::ended);
        held.insert(key.to_owned(), Entry { owner, call, since: Instant::now(), expiry: None });
        Ok(displaced)
    }

    fn expires_by(&self, key: &str, expiry: AbortHandle) {
        if let Some(entry) = self.held().get_mut(key) {
            entry.expiry = Some(expiry);
        }
    }

    /// The call that is held under a key for `owner`.
    pub(super) fn take(&self, key: &str, owner: Digest) -> Option<HeldCall> {
        let mut held = self.held();
        held.get(key).filter(|entry| entry.owner == owner)?;
        held.remove(key).map(Entry::ended)
    }

    fn expire(&self, key: &str) -> Option<HeldCall> {
        self.held().remove(key).map(|entry| entry.call)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The call, whose wait is over.
    fn ended(self) -> HeldCall {
        if let Some(expiry) = self.expiry {
            expiry.abort();
        }
        self.call
    }
}

/// Holds a call, and says what its client is asked. Gives the call back when as many are held as may be.
pub(super) fn hold(
    front: &Front,
    kept: &Arc<Kept>,
    call: HeldCall,
    request: &Digest,
) -> Result<InputRequired, Box<HeldCall>> {
    let mut key = [0; 16];
    front.random.fill(&mut key);
    let key = URL_SAFE_NO_PAD.encode(key);
    let time = call.conversation.caller().remote().question_time();
    let waits = Waits::Held(key.clone());
    let owner = principal(call.conversation.caller().permit());
    let state = kept.states.seal(waits, request, owner, (front.clock.now(), &*front.random));
    let asked = InputRequest { method: call.question.method.clone(), params: call.question.params.clone() };
    if let Some(displaced) = kept.held.put(&key, call)? {
        tokio::spawn(displaced.give_up());
    }
    let (weak, expired) = (Arc::downgrade(kept), key.clone());
    let expiry = tokio::spawn(async move {
        sleep(time).await;
        if let Some(call) = weak.upgrade().and_then(|kept| kept.held.expire(&expired)) {
            call.give_up().await;
        }
    });
    kept.held.expires_by(&key, expiry.abort_handle());
    Ok(InputRequired::new(BTreeMap::from([(QUESTION.to_owned(), asked)]), Some(state)))
}

/// The state of a request that waits for links to be followed; nothing is held.
pub(super) fn state_of_links(
    front: &Front,
    kept: &Kept,
    conversation: &Conversation,
    request: &Digest,
) -> String {
    let owner = principal(conversation.caller().permit());
    kept.states.seal(Waits::Link, request, owner, (front.clock.now(), &*front.random))
}

impl HeldCall {
    /// Passes the client's answer on.
    pub(super) fn answer(
        &self,
        answer: &RawValue,
    ) -> impl Future<Output = Result<(), UpstreamError>> + use<> {
        self.conversation.tell(mcp::success(&self.question.id, &answer))
    }

    /// Nobody answers: the server hears so, and that the call is cancelled.
    async fn give_up(self) {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, "nobody answered in time");
        let reply = mcp::failure(Some(&self.question.id), &error);
        if let Err(error) = self.conversation.tell(reply).await {
            tracing::debug!(%error, "a question of the upstream could not be given up");
        }
    }
}
