//! The gateway: MCP endpoints, each a protected resource, in front of the servers that do the work.
//!
//! Every request takes the same way, top to bottom:
//! 1. `admission`: `Host` and `Origin`, before any work;
//! 2. `guard`: the access token, on every method; or `signed`: the signature of the request. What comes out is a
//!    [`guard::Permit`];
//! 3. `body`: media types and limits;
//! 4. `mcp`: one strict parse, then the era; `endpoint` has a file for each;
//! 5. `gate`: one decision for each request, of `quota` (not too often?) and `policy` (may this token call this tool?
//!    The same definition answers for the list);
//! 6. `recorded`: a place in the audit log, before anything is decided or done;
//! 7. `upstream`: takes the permit by value, so that it cannot be called without one.
//!
//! `endpoint` answers for built-in servers; `relay` passes messages on to servers elsewhere and back.
//!
//! Nothing here knows the authorization server: it is an issuer and a key set inside the guard.

pub mod access_key;
mod allowed_requests;
mod body;
mod demo;
mod endpoint;
mod gate;
mod http_sse;
mod literals;
pub mod lock;
mod nowhere;
pub mod policy;
pub mod probe;
pub mod quota;
mod recorded;
mod redaction;
mod relay;
mod remote_server;
mod review;
mod server;
mod server_credentials;
mod session;
mod settings;
mod shut_down;
mod signed;
mod trace_context;
mod upstream;
mod virtual_server;
mod visible;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

pub use allowed_requests::AllowedRequests;
use endpoint::{Endpoint, SessionRule};
use guard::admission;
pub use http_sse::EventStreams;
use policy::ServerPolicy;
use relay::RelayEndpoint;
pub use remote_server::{RemoteServer, RemoteServerSettings};
pub use server::BuiltInServer;
pub use server_credentials::{ServerCredentials, Whose};
use settings::Front;
pub use settings::{DemoSettings, RemoteSettings, Settings, ToolScopes, Transport, Way};
pub use signed::SignedRequests;
pub use upstream::openapi::{OpenApiServer, OpenApiSettings};
pub use upstream::stdio::{Sharing, StdioServer, StdioSettings};
pub use virtual_server::{MemberServer, MemberSettings, VirtualServer, VirtualSettings, is_member_name};

/// All routes of the gateway. The metadata of the guarded resources is served by [`guard::metadata_router`].
///
/// A reload makes another router: requests under way end where they began, and what must outlive them is in the
/// [`RemoteServer`]s and [`BuiltInServer`]s that both are made with.
pub fn router(settings: &Settings) -> Router {
    let front = Arc::new(Front::new(settings));
    let streams = &settings.event_streams;
    let demo = settings.demo.as_ref().map_or_else(Router::new, |demo| demo_router(&front, demo, streams));
    let remote = settings.remote.iter().map(|remote| remote_router(&front, remote, streams));
    let joint = settings.virtual_servers.iter().map(|server| virtual_router(&front, server, streams));
    let servers = remote.chain(joint).fold(demo, Router::merge);
    servers.merge(nowhere::router(settings.public_url.path(), &front))
}

/// The routes of a server elsewhere.
fn remote_router(front: &Arc<Front>, settings: &RemoteSettings, streams: &EventStreams) -> Router {
    let endpoint = Arc::new(RelayEndpoint::new(front, settings));
    let path = settings.guard.resource().path();
    Router::new()
        .route(path, any(relay::handle).with_state(endpoint.clone()))
        .merge(http_sse::router(path, endpoint, streams))
}

/// The routes of a server that joins others: the relay's, before a server that is here.
fn virtual_router(front: &Arc<Front>, settings: &VirtualSettings, streams: &EventStreams) -> Router {
    let VirtualSettings { guard, server, joined, members } = settings;
    let list = members.iter().map(|member| virtual_server::member(front, guard, member)).collect();
    joined.0.join(virtual_server::Members { guard: guard.clone(), list });
    let tools = ToolScopes::default();
    let settings = RemoteSettings { guard: guard.clone(), server: server.clone(), tools, credentials: None };
    remote_router(front, &settings, streams)
}

/// The demo server at its own path, the same server at its older path, and its resource API.
fn demo_router(front: &Arc<Front>, demo: &DemoSettings, streams: &EventStreams) -> Router {
    let DemoSettings { name, guard, compatible_guard, server } = demo;
    let policy = Arc::new(ServerPolicy::complete(name, server.0.tool_scopes(), &front.policy));
    let endpoint = |guard, rule| Arc::new(Endpoint::new(front, guard, &server.0, &policy, rule));
    let own = endpoint(guard, SessionRule::Required);
    // The clients of the older path speak 2024-11-05, which knew no session header.
    let compatible = endpoint(compatible_guard, SessionRule::Optional);
    let (path, compatible_path) = (guard.resource().path(), compatible_guard.resource().path());
    Router::new()
        .route(path, any(endpoint::handle).with_state(own.clone()))
        .merge(http_sse::router(path, own.clone(), streams))
        .merge(http_sse::router(compatible_path, compatible.clone(), streams))
        .route(compatible_path, any(endpoint::handle).with_state(compatible.clone()))
        .merge(demo::bare::router(compatible_path, compatible))
        .merge(demo::resource_api::router(own))
}
