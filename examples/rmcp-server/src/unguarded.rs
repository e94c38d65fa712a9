//! The same server without a guard, as it stands behind a gateway that has one. It must be reached by that gateway only.
//!
//! ```sh
//! rmcp-server-unguarded [ADDRESS]
//! ```

mod notes;

use std::{env, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address: SocketAddr = env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9000").parse()?;
    let listener = TcpListener::bind(address).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    println!("listening on {origin}/mcp");
    axum::serve(listener, Router::new().route_service("/mcp", notes::service(&origin))).await?;
    Ok(())
}
