//! Questions of a modern server for a legacy client.
//!
//! 1. The server answers with an input-required result.
//! 2. The client gets every question of it as a request on the stream of its own request, and answers with a `POST` that
//!    `SessionMemory` brings here.
//! 3. The server gets the request again with `inputResponses` and its `requestState`. Its answer is the next
//!    input-required result, or the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use mcp::json::Object;
use mcp::{InputRequest, InputRequired, RequestId, UrlElicitation};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::session::memory::{Answer, SessionMemory};

/// How often a server may ask before it answers.
const ROUNDS: u32 = 16;

/// The request that is sent again, and the client that is asked.
pub(super) struct Interviewer {
    pub(super) memory: Arc<SessionMemory>,
    pub(super) id: RequestId<'static>,
    pub(super) method: String,
    /// The parameters as they were sent to the server.
    pub(super) params: Box<RawValue>,
    pub(super) headers: HeaderMap,
    pub(super) capabilities: Map<String, Value>,
    pub(super) knows_links: bool,
    progress: Progress,
}

#[derive(Debug, Default)]
struct Progress {
    rounds: u32,
    /// The links that the client was sent to.
    links: BTreeSet<String>,
}

/// What is to be done about an input-required result.
pub(super) enum Step {
    /// The client gets these messages, and its answers are waited for.
    Ask(Vec<Vec<u8>>, Interview),
    /// The client hears of these links, and that is all that can be done now.
    Links(Vec<UrlElicitation>),
    /// The client cannot be asked.
    Unable(&'static str),
}

/// Questions that the client has been asked.
pub(super) struct Interview {
    waiting: Vec<Asked>,
    answers: BTreeMap<String, Box<RawValue>>,
    state: Option<String>,
    /// When the wait ends; with no questions, when the request is sent again.
    until: Instant,
    has_failed: bool,
}

struct Asked {
    name: String,
    is_elicitation: bool,
    answer: oneshot::Receiver<Answer>,
}

/// What the server gets.
#[derive(Debug)]
pub(super) struct Answers {
    answers: BTreeMap<String, Box<RawValue>>,
    state: Option<String>,
}

impl Interviewer {
    pub(super) fn new(
        memory: &Arc<SessionMemory>,
        request: (RequestId<'static>, &str, Box<RawValue>, HeaderMap),
        (capabilities, knows_links): (Map<String, Value>, bool),
    ) -> Self {
        let (id, method, params, headers) = request;
        Self {
            memory: memory.clone(),
            id,
            method: method.to_owned(),
            params,
            headers,
            capabilities,
            knows_links,
            progress: Progress::default(),
        }
    }

    /// Asks the client what the server asks; the client has `time`.
    pub(super) fn begin(&mut self, input: InputRequired, time: Duration) -> Step {
        self.progress.rounds += 1;
        if self.progress.rounds > ROUNDS {
            return Step::Unable("the server behind this gateway asks without end");
        }
        if input.input_requests.values().any(|request| !self.can(&request.method)) {
            return Step::Unable("the server behind this gateway asks for what this client cannot give");
        }
        let links: Vec<_> = input.input_requests.values().filter_map(link).collect();
        // A link that was shown and not followed yet is not shown again and again: the client tries again later.
        let is_news = links
            .iter()
            .fold(links.is_empty(), |news, link| self.progress.links.insert(link.url.clone()) || news);
        let can_follow = self.knows_links && is_news;
        if !links.is_empty() && !can_follow {
            return Step::Links(self.named(links));
        }
        // With a state alone the server asks for patience.
        let pause = Duration::from_secs(u64::from(self.progress.rounds.min(5)));
        let wait = if input.input_requests.is_empty() { pause } else { time };
        let mut messages = Vec::new();
        let asked = input.input_requests.into_iter().map(|(name, request)| {
            let (message, answer) = self.question(&request);
            messages.push(message);
            Asked { name, is_elicitation: request.method == "elicitation/create", answer }
        });
        let waiting = asked.collect();
        let interview = Interview {
            waiting,
            answers: BTreeMap::new(),
            state: input.request_state,
            until: Instant::now() + wait,
            has_failed: false,
        };
        Step::Ask(messages, interview)
    }

    fn can(&self, method: &str) -> bool {
        let capability = match method {
            "elicitation/create" => "elicitation",
            "sampling/createMessage" => "sampling",
            "roots/list" => "roots",
            _ => return false,
        };
        self.capabilities.contains_key(capability)
    }

    /// A question as a request of the client's era, where every link has a name.
    fn question(&self, request: &InputRequest) -> (Vec<u8>, oneshot::Receiver<Answer>) {
        let (id, answer) = self.memory.ask();
        let params = request.params.as_deref().map_or("{}", RawValue::get);
        let message = match (link(request), Object::read(params, &[])) {
            (Some(_), Ok(mut params)) => {
                let name = to_raw_value(&id).expect("an id is an integer or a string");
                params.set("elicitationId", &name);
                mcp::request(&id, &request.method, &params)
            }
            _ => mcp::request(&id, &request.method, &request.params),
        };
        (message, answer)
    }

    fn named(&self, links: Vec<UrlElicitation>) -> Vec<UrlElicitation> {
        let named = |(number, link)| {
            let name = format!("{}-{}", self.id, number + 1);
            UrlElicitation { elicitation_id: Some(name), ..link }
        };
        links.into_iter().enumerate().map(named).collect()
    }

    /// The request with the client's answers: headers and body.
    pub(super) fn again(&self, answers: &Answers) -> (HeaderMap, Vec<u8>) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Again<'a> {
            #[serde(flatten)]
            params: BTreeMap<&'a str, &'a RawValue>,
            input_responses: &'a BTreeMap<String, Box<RawValue>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_state: Option<&'a str>,
        }
        let params = Object::read(self.params.get(), &[]).unwrap_or_default();
        let replaced = ["inputResponses", "requestState"];
        let again = Again {
            params: params.iter().filter(|(name, _)| !replaced.contains(name)).collect(),
            input_responses: &answers.answers,
            request_state: answers.state.as_deref(),
        };
        (self.headers.clone(), mcp::request(&self.id, &self.method, &again))
    }
}

impl Interview {
    /// Returns when every question is answered, or the time is over. Being dropped in between loses nothing.
    pub(super) async fn complete(&mut self) {
        while let Some(asked) = self.waiting.last_mut() {
            let Ok(answer) = timeout_at(self.until, &mut asked.answer).await else {
                self.has_failed = true;
                return;
            };
            let Some(Asked { name, is_elicitation, .. }) = self.waiting.pop() else { return };
            match answer {
                Ok(Ok(answer)) => drop(self.answers.insert(name, answer)),
                // The era has no other word for an error of the client.
                Ok(Err(_)) if is_elicitation => {
                    let cancelled = to_raw_value(&json!({ "action": "cancel" })).expect("a value is JSON");
                    self.answers.insert(name, cancelled);
                }
                _ => self.has_failed = true,
            }
        }
        if self.answers.is_empty() {
            tokio::time::sleep_until(self.until).await;
        }
    }

    /// What the client answered; `None` when it did not.
    pub(super) fn answers(self) -> Option<Answers> {
        (!self.has_failed).then_some(Answers { answers: self.answers, state: self.state })
    }
}

/// The link that a question sends somebody to, if it is one.
fn link(request: &InputRequest) -> Option<UrlElicitation> {
    #[derive(Deserialize)]
    struct Mode<'a> {
        mode: &'a str,
    }
    let params = request.params.as_deref().filter(|_| request.method == "elicitation/create")?.get();
    serde_json::from_str::<Mode<'_>>(params).ok().filter(|mode| mode.mode == "url")?;
    serde_json::from_str(params).ok()
}
