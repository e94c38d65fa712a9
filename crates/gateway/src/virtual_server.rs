//! A virtual server: one path that joins several servers.
//!
//! It is a server of the modern era inside the gateway, and what its clients meet is the relay before it, as before any
//! server: both eras, and either transport. Behind it, each member is asked at its own endpoint, in the modern era, with
//! a permit of its own; the member's policy, limits, audit and session are the ones that hold (GW-23), and a refusal of
//! the member goes to the client as it is.
//!
//! 1. Names are spaced (`names`): `MEMBER__NAME` for tools and prompts, `MEMBER+URI` for resources. A member's name is
//!    ours, and its grammar forbids both separators, so nothing that a server calls its tools can stand in another's
//!    place (UP-01).
//! 2. A list is asked of all members at once (`lists`). Whoever has not answered in time, or fails, is missing: the
//!    others' entries are the answer, and its `_meta` names who is missing and why.
//! 3. Everything else is about one thing, which belongs to one member (`routes`).
//! 4. Resources in results carry their spaced URIs (`results`), so that what a tool links to can be read here.
//!
//! See `docs/decisions/0019-virtual-servers.md`.

mod lists;
mod members;
mod names;
mod results;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use guard::{Guard, Permit};
use http::{HeaderMap, StatusCode};
use mcp::{DiscoverResult, ErrorCode, ErrorObject, Message, Params, ProtocolVersion, Request};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::endpoint::{Endpoint, Refusal, SessionRule};
use crate::http_sse::Serve;
use crate::policy::ServerPolicy;
use crate::relay::RelayEndpoint;
use crate::remote_server::RemoteServer;
use crate::server::BuiltInServer;
use crate::server_credentials::ServerCredentials;
use crate::settings::{Front, RemoteSettings, ToolScopes};
use crate::upstream::remote::{Answer, UpstreamError, implementation};
pub(crate) use members::{Member, MemberStream, Members};
pub use names::is_member_name;

/// How long a client may keep a description, in milliseconds. It changes with the configuration only.
const TTL_MS: u64 = 300_000;

/// A server that joins others, as whoever starts the gateway holds it. Cheap to clone. Its members come and go with
/// every router that is made.
#[derive(Clone)]
pub struct VirtualServer(pub(crate) Arc<Joined>);

impl VirtualServer {
    /// A server that joins nobody yet. A member that has not answered a list within `within` is missing in it.
    pub fn new(within: Duration) -> Self {
        Self(Arc::new(Joined { within, members: ArcSwap::default(), description: description() }))
    }
}

/// A virtual server in the settings of the gateway.
#[derive(Clone)]
pub struct VirtualSettings {
    /// Guards it, and every call to a member by way of it, at the path of the guard's resource.
    pub guard: Guard,
    /// The server itself: one that is reached by [`crate::Way::Virtual`].
    pub server: RemoteServer,
    /// The same.
    pub joined: VirtualServer,
    /// Whom it joins. Names have the form that [`is_member_name`] asks for.
    pub members: Vec<MemberSettings>,
}

/// One server that a virtual one joins.
#[derive(Clone)]
pub struct MemberSettings {
    /// Its name, which stands before those of its tools.
    pub name: String,
    /// What it is.
    pub behind: MemberServer,
}

/// What a member is.
#[derive(Clone)]
pub enum MemberServer {
    /// The demo server.
    Demo(BuiltInServer),
    /// A server elsewhere, what its tools need, and whose credential it takes.
    Remote(RemoteServer, ToolScopes, Option<Arc<ServerCredentials>>),
}

/// A member as a virtual server that `guard` guards asks it: at an endpoint that nobody else reaches, behind the
/// member's own gate.
pub(crate) fn member(front: &Arc<Front>, guard: &Guard, settings: &MemberSettings) -> Member {
    let MemberSettings { name, behind } = settings;
    let endpoint: Arc<dyn Serve> = match behind {
        MemberServer::Demo(server) => {
            let policy = ServerPolicy::complete(name, server.0.tool_scopes(), &front.policy);
            Arc::new(Endpoint::new(front, guard, &server.0, &Arc::new(policy), SessionRule::Required))
        }
        MemberServer::Remote(server, tools, credentials) => {
            let (guard, server, tools) = (guard.clone(), server.clone(), tools.clone());
            let credentials = credentials.clone();
            Arc::new(RelayEndpoint::new(front, &RemoteSettings { guard, server, tools, credentials }))
        }
    };
    Member { name: name.clone(), endpoint }
}

/// What a virtual server is made of.
pub(crate) struct Joined {
    within: Duration,
    members: ArcSwap<Option<Members>>,
    description: Arc<RawValue>,
}

/// A request as it came.
struct Asked<'a> {
    headers: &'a HeaderMap,
    request: &'a Request<'a>,
    params: &'a Params<'a>,
}

impl Joined {
    /// Takes over other members; what has been asked of the former ones comes to its end.
    pub(crate) fn join(&self, members: Members) {
        self.members.store(Arc::new(Some(members)));
    }

    /// What it says of itself.
    pub(crate) fn description(&self) -> Arc<RawValue> {
        self.description.clone()
    }

    /// Answers one message of the modern era, which the relay has checked.
    pub(crate) async fn post(
        &self,
        permit: &Permit,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answer, UpstreamError> {
        let request = match Message::parse(body).map_err(|_| UpstreamError::Malformed)? {
            Message::Request(request) => request,
            Message::Notification(_) | Message::Response(_) => return Ok(Answer::Accepted),
        };
        let params = Params::read(request.params).map_err(|_| UpstreamError::Malformed)?;
        let asked = Asked { headers, request: &request, params: &params };
        let members = self.members.load_full();
        let members = (*members).as_ref().ok_or(UpstreamError::Resting)?;
        let outcome = match &*request.method {
            "server/discover" => Ok(success(&request, &self.description)),
            "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
                lists::joint(members, permit, &asked, self.within).await
            }
            "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => {
                routes::ask(members, permit, &asked).await
            }
            unknown => Err(Refusal::method_not_found(StatusCode::NOT_FOUND, unknown)),
        };
        Ok(outcome.unwrap_or_else(|refusal| Answer::Refused(Box::new(refusal.to(&request.id)))))
    }
}

/// It offers everything that members can have, whoever of them can be asked now: a client that was told less when a
/// member was away would never ask again.
fn description() -> Arc<RawValue> {
    let offered = ["tools", "prompts", "resources", "completions"].map(|name| (name.to_owned(), json!({})));
    let capabilities: Map<String, Value> = offered.into_iter().collect();
    let described = DiscoverResult {
        ttl_ms: TTL_MS,
        ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities, &implementation())
    };
    to_raw_value(&described).expect("a description has string keys").into()
}

fn success(request: &Request<'_>, result: &RawValue) -> Answer {
    Answer::Json(StatusCode::OK, mcp::success(&request.id, &result).into())
}

fn invalid_params(message: &str) -> Refusal {
    let error = ErrorObject::new(ErrorCode::INVALID_PARAMS, message);
    Refusal::Request(StatusCode::OK, None, error)
}
