//! The place of [`traces`](crate::traces) in a build without the feature `otlp`.

use std::future::Ready;

use axum::Router;
use http::Uri;
use tokio::runtime::Handle;
use tracing_subscriber::layer::Identity;

use crate::cli::exit::Stop;

/// There are none.
pub(crate) enum Traces {}

impl Traces {
    /// Says so.
    pub(crate) fn start(endpoint: &Uri, _: &Handle) -> anyhow::Result<Self> {
        let message = format!("traces cannot be sent to {endpoint}: this build has no OpenTelemetry");
        Err(Stop::usage(message)
            .hint("build it with `--features otlp`, or leave `traces` out of [telemetry]")
            .into())
    }

    /// Never called.
    pub(crate) fn layer(&self) -> Identity {
        match *self {}
    }

    /// Leaves the router as it is.
    pub(crate) fn measuring(router: Router) -> Router {
        router
    }

    /// Never called.
    pub(crate) fn end(self) -> Ready<()> {
        match self {}
    }
}
