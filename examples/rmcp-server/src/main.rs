//! An ordinary MCP server on the official SDK, protected by Vestibule's guard alone.
//!
//! ```sh
//! rmcp-server ISSUER URL [ADDRESS]
//! ```
//!
//! ISSUER is a Vestibule that knows this server as a `[[resource]]` (docs/guard.md); URL is what clients call it, and
//! the audience of their tokens; ADDRESS is where it listens, `127.0.0.1:9000` if nothing else is said.

mod issuer;
mod notes;

use std::{env, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use guard::{Guard, GuardLayer};
use oauth::{Issuer, ResourceIndicator, Scope};
use tokio::net::TcpListener;
use tower::Layer as _;

use crate::issuer::SystemClock;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().context("usage: rmcp-server ISSUER URL [ADDRESS]");
    let (issuer, url) = (Issuer::parse(&next()?)?, ResourceIndicator::parse(&next()?)?);
    let address: SocketAddr = next().as_deref().unwrap_or("127.0.0.1:9000").parse()?;

    let guard = guard(issuer, url).await?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", guard.resource());
    axum::serve(listener, routes(&guard)?).await?;
    Ok(())
}

/// Knows whose tokens are good here: those that the issuer signed, for this resource and no other.
async fn guard(issuer: Issuer, resource: ResourceIndicator) -> anyhow::Result<Guard> {
    let keys = issuer::follow_keys(&issuer).await?;
    Ok(Guard::new(guard::Settings {
        name: Some("Notes".to_owned()),
        scope: Scope::parse("notes:read")?,
        ..guard::Settings::new(issuer, resource, keys, Arc::new(SystemClock))
    }))
}

/// The MCP endpoint behind the guard, and beside it the metadata that tells clients where to get a token (RFC 9728).
fn routes(guard: &Guard) -> anyhow::Result<Router> {
    let layer = GuardLayer::new(guard)
        .needs(Scope::parse("notes:read")?)
        .tool_needs("remember", Scope::parse("notes:write")?)
        .tool_needs("forget", Scope::parse("notes:write")?);
    let path = if guard.resource().path().is_empty() { "/" } else { guard.resource().path() };
    Ok(Router::new()
        .route_service(path, layer.layer(notes::service(guard.resource().origin())))
        .merge(guard::metadata_router([guard])))
}
