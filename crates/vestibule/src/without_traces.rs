//! The place of [`traces`](crate::traces) in a build without the feature `otlp`.

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

    pub(crate) fn layer(&self) -> Identity {
        match *self {}
    }

    pub(crate) fn measuring(router: Router) -> Router {
        router
    }

    pub(crate) async fn end(self) {
        match self {}
    }
}
