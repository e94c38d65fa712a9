//! The gateway: MCP endpoints, each a protected resource, in front of the servers that do the work.
//!
//! Every request takes the same way, top to bottom:
//! 1. `admission`: `Host` and `Origin`, before any work;
//! 2. `guard`: the access token, on every method; what comes out is a [`guard::Permit`];
//! 3. `body`: media types and limits;
//! 4. `mcp`: one strict parse, then the era; `endpoint` has a file for each;
//! 5. `policy`: may this token call this tool? The same definition answers for the list;
//! 6. `recorded`: a place in the audit log, before anything is decided or done;
//! 7. `upstream`: takes the permit by value, so that it cannot be called without one.
//!
//! `endpoint` answers for built-in servers; `relay` passes messages on to servers elsewhere and back.
//!
//! Nothing here knows the authorization server: it is an issuer and a key set inside the guard.

mod body;
mod demo;
mod endpoint;
mod policy;
mod recorded;
mod relay;
mod server;
mod session;
mod settings;
mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use demo::DemoServer;
use endpoint::{Endpoint, SessionRule};
use guard::admission;
use relay::RelayEndpoint;
use server::McpServer;
use settings::Front;
pub use settings::{DemoSettings, RemoteSettings, Settings, ToolScopes, Way};
use upstream::Upstream;
pub use upstream::stdio::{Sharing, StdioServer, StdioSettings};

/// All routes of the gateway. The metadata of the guarded resources is served by [`guard::metadata_router`].
pub fn router(settings: &Settings) -> Router {
    let front = Arc::new(Front::new(settings));
    let demo = settings.demo.as_ref().map_or_else(Router::new, |demo| demo_router(settings, &front, demo));
    settings.remote.iter().fold(demo, |router, remote| {
        let endpoint = Arc::new(RelayEndpoint::new(settings, &front, remote));
        router.route(remote.guard.resource().path(), any(relay::handle).with_state(endpoint))
    })
}

/// The demo server at its own path, the same server at its older path, and its resource API.
fn demo_router(settings: &Settings, front: &Arc<Front>, demo: &DemoSettings) -> Router {
    let DemoSettings { guard, compatible_guard, store } = demo;
    let upstream = Upstream::Demo(DemoServer::new(store.clone(), settings.clock.clone()));
    let server = Arc::new(McpServer::new("demo", &settings.session_key, upstream));
    let endpoint = |guard, session_rule| Arc::new(Endpoint::new(front, guard, &server, session_rule));
    let own = endpoint(guard, SessionRule::Required);
    // The clients of the older path speak 2024-11-05, which knew no session header.
    let compatible = endpoint(compatible_guard, SessionRule::Optional);
    let compatible_path = compatible_guard.resource().path();
    Router::new()
        .route(guard.resource().path(), any(endpoint::handle).with_state(own.clone()))
        .route(compatible_path, any(endpoint::handle).with_state(compatible.clone()))
        .merge(demo::bare::router(compatible_path, compatible))
        .merge(demo::resource_api::router(own))
}
