//! A REST API whose operations are tools (S3.4): a server of the modern era inside the gateway.
//!
//! What its clients meet is the relay before it, as before any server: both eras, policy, lock, limits, audit, redaction.
//! 1. What does not depend on a call is made once (`Api::new`): lists, validators, templates of requests.
//! 2. A call becomes a request (`openapi::Call`), or a refusal that a model can read.
//! 3. The request goes out with the credential of whoever calls (`exchange`); redirects are not followed, and nothing of
//!    the client's own token goes along.
//! 4. The answer becomes a result.
//!
//! In search mode a client lists two tools. The one that calls is taken apart by the relay before anything is decided, so
//! that policy, audit and lock see the tool that is really called ([`Api::called`]).

mod exchange;
mod lists;
mod search;

use std::collections::HashMap;
use std::sync::Arc;

use audit::Outcome;
use http::{StatusCode, Uri};
use mcp::json::{Object, string};
use mcp::{CallToolParams, CallToolResult, Content, Message, Params, Request, ResultType};
use openapi::{BaseUrl, Call, CredentialPlaces, Document, InvalidBaseUrl, Tools, Uncallable, Warning};
use outbound::Egress;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::remote::{Answer, Remote, UpstreamError};
use crate::endpoint::{CallRefusal, Refusal};
use exchange::Exchange;
pub(crate) use exchange::Going;
use lists::Lists;
pub(crate) use search::Shown;

/// What makes an API the server that it is.
pub struct OpenApiSettings<'d> {
    /// The document that describes it.
    pub document: &'d Document,
    /// Its tools and prompts.
    pub tools: Tools,
    /// Where it is. Nothing else decides where requests go (OA-06).
    pub base_url: Uri,
    /// Which addresses it may have (OA-09, OA-10).
    pub egress: Egress,
}

/// An API with everything that is made ready for calls. Cheap to clone; it outlives the routers that are made with it.
#[derive(Clone)]
pub struct OpenApiServer(pub(crate) Arc<Api>);

impl OpenApiServer {
    /// Makes every call ready. A tool that can never be called is a warning, and answers so.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] when nothing can be below it.
    pub fn new(settings: OpenApiSettings<'_>) -> Result<(Self, Vec<Warning>), InvalidBaseUrl> {
        let (api, warnings) = Api::new(settings)?;
        Ok((Self(Arc::new(api)), warnings))
    }
}

/// See [`OpenApiServer`].
pub(crate) struct Api {
    tools: Tools,
    calls: HashMap<String, Result<Call, Uncallable>>,
    lists: Lists,
    exchange: Exchange,
}

impl Api {
    fn new(settings: OpenApiSettings<'_>) -> Result<(Self, Vec<Warning>), InvalidBaseUrl> {
        let OpenApiSettings { document, tools, base_url, egress } = settings;
        let (base, places) = (BaseUrl::new(&base_url)?, CredentialPlaces::of(document));
        let (mut calls, mut warnings) = (HashMap::new(), Vec::new());
        for tool in tools.all() {
            let call = Call::compile(tool, &base, &places);
            if let Err(reason) = &call {
                warnings.push(Warning::LeftOut { operation: tool.place.clone(), reason: reason.to_string() });
            }
            calls.insert(tool.definition.name.clone(), call);
        }
        let lists = Lists::of(&tools);
        Ok((Self { tools, calls, lists, exchange: Exchange::new(egress) }, warnings))
    }

    /// What it says of itself.
    pub(crate) fn description(&self) -> Arc<RawValue> {
        self.lists.description.clone()
    }

    /// Whether nobody asks it for now.
    pub(crate) fn is_resting(&self) -> bool {
        self.exchange.is_resting()
    }

    /// Whether it is in search mode.
    pub(crate) fn searches(&self) -> bool {
        self.tools.search_name().is_some()
    }

    /// Whether it is a call of the searching tool.
    pub(crate) fn is_search(&self, method: &str, params: &Params<'_>) -> bool {
        let name = self.tools.search_name().filter(|_| method == "tools/call");
        name.is_some_and(|name| params.string("name").is_ok_and(|called| called.as_deref() == Some(name)))
    }

    /// The parameters of the call that a call of the calling tool stands for (search mode); `None` for every other.
    pub(crate) fn called(&self, method: &str, params: &Params<'_>) -> Option<Box<RawValue>> {
        let calling = self.tools.call_name().filter(|_| method == "tools/call")?;
        let call = CallToolParams::read(params).ok().filter(|call| call.name == calling)?;
        let inner = Object::read(call.arguments?.get(), &["name", "arguments"]).ok()?;
        let name = inner.get("name").and_then(string).filter(|name| self.calls.contains_key(&**name))?;
        let arguments = inner.get("arguments").filter(|arguments| mcp::json::is_object(arguments));
        let nothing = raw(&serde_json::Map::new());
        let params = params.with("name", &raw(&name));
        let params = Params::read(Some(&params)).ok()?.with("arguments", arguments.unwrap_or(&nothing));
        Some(params)
    }

    /// Answers one message of the modern era.
    pub(crate) async fn post(
        &self,
        remote: &Remote,
        going: Going<'_>,
        body: &[u8],
    ) -> Result<Answer, UpstreamError> {
        let request = match Message::parse(body).map_err(|_| UpstreamError::Malformed)? {
            Message::Request(request) => request,
            Message::Notification(_) | Message::Response(_) => return Ok(Answer::Accepted),
        };
        let params = Params::read(request.params).map_err(|_| UpstreamError::Malformed)?;
        self.answer(remote, going, (&request, &params)).await.map(|(answer, _)| answer)
    }

    /// Answers one request of the modern era, which has been read. How a call ended that has a result is told apart.
    pub(crate) async fn answer(
        &self,
        remote: &Remote,
        going: Going<'_>,
        (request, params): (&Request<'_>, &Params<'_>),
    ) -> Result<(Answer, Option<Outcome>), UpstreamError> {
        let outcome = match &*request.method {
            "server/discover" => Ok(success(request, &*self.lists.description)),
            "tools/list" => self.lists.tools(params).map(|page| success(request, page)),
            "prompts/list" => Ok(success(request, &*self.lists.prompts)),
            "prompts/get" => lists::prompt(&self.tools, params).map(|prompt| success(request, &*prompt)),
            "tools/call" => match self.call(remote, going, params).await? {
                Ok(result) => {
                    let outcome = if result.is_error { Outcome::Failed } else { Outcome::Succeeded };
                    return Ok((success(request, &result), Some(outcome)));
                }
                Err(refusal) => Err(refusal),
            },
            unknown => Err(Refusal::method_not_found(StatusCode::NOT_FOUND, unknown)),
        };
        let refused = |refusal: Refusal| Answer::Refused(Box::new(refusal.to(&request.id)));
        Ok((outcome.unwrap_or_else(refused), None))
    }

    /// Calls a tool. What is wrong with the arguments is a result, so that a model reads it and does better (2025-11-25,
    /// Tools, Error Handling).
    async fn call(
        &self,
        remote: &Remote,
        going: Going<'_>,
        params: &Params<'_>,
    ) -> Result<Result<CallToolResult, Refusal>, UpstreamError> {
        let call = match CallToolParams::read(params) {
            Ok(call) => call,
            Err(error) => return Ok(Err(CallRefusal::Params(error).into())),
        };
        if self.tools.search_name() == Some(&call.name) {
            return Ok(Ok(search::found(&self.tools, going.shown, call.arguments)));
        }
        if self.tools.call_name() == Some(&call.name) {
            return Ok(Ok(failed(search::NO_SUCH_TOOL)));
        }
        let ready = match self.calls.get(&*call.name) {
            Some(Ok(ready)) => ready,
            Some(Err(reason)) => return Ok(Ok(failed(&format!("This tool cannot be called: {reason}.")))),
            None => return Ok(Err(CallRefusal::UnknownTool.into())),
        };
        let request = match ready.request(call.arguments) {
            Ok(request) => request,
            Err(invalid) => return Ok(Ok(failed(&invalid.to_string()))),
        };
        self.exchange.call(remote, going, ready, request).await.map(Ok)
    }
}

/// The result of a call that failed.
fn failed(said: &str) -> CallToolResult {
    CallToolResult {
        result_type: Some(ResultType::Complete),
        content: vec![Content::Text { text: said.to_owned() }],
        structured_content: None,
        is_error: true,
    }
}

fn success<R: Serialize + ?Sized>(request: &Request<'_>, result: &R) -> Answer {
    Answer::Json(StatusCode::OK, mcp::success(&request.id, &result).into())
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text and raw members cannot fail to serialise")
}
