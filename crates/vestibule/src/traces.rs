//! Traces for an OpenTelemetry collector (feature `otlp`): a span for each request and one for each call of a server
//! behind the gateway, none for a piece of a stream.
//!
//! 1. [`Traces::measuring`] opens the span of a request. A `traceparent` that the request brings is its parent and decides
//!    whether it is recorded; `tracestate` and `baggage` are not read (UP-21).
//! 2. The gateway opens the span of a call inside of it. Both are of the target `traces`, which no log filter turns on
//!    unless somebody asks for everything.
//! 3. A thread of the SDK collects what has ended and sends it through `outbound`, as protobuf over HTTP.
//!
//! A span holds the pattern of a route and the name of a server, never a query, a header, a body or a person.

use std::fmt;

use anyhow::Context as _;
use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{self, Next},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::TracerProvider as _,
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use outbound::{Client, Egress, Limits};
use tokio::runtime::Handle;
use tracing::{Instrument as _, Span, Subscriber, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const TARGET: &str = "traces";
const TRACE_PARENT: &str = "traceparent";

/// What collects spans and sends them.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to the collector at `endpoint` from tasks of `runtime`.
    pub(crate) fn start(endpoint: &Uri, runtime: &Handle) -> anyhow::Result<Self> {
        let host = endpoint.host().unwrap_or_default();
        let egress = Egress::public().with_loopback().with_host(host);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.to_string())
            .with_http_client(Sender { client: Client::new(egress), runtime: runtime.clone() })
            .build()
            .context("traces cannot be sent")?;
        let resource = Resource::builder().with_service_name("vestibule").build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self(provider))
    }

    /// Takes the spans of this program.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("vestibule"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, tracing::Level::TRACE))
    }

    /// Every request to `router` has a span from now on.
    pub(crate) fn measuring(router: Router) -> Router {
        router.layer(middleware::from_fn(trace))
    }

    /// Sends what has ended, and nothing more.
    pub(crate) async fn end(self) {
        // Waits for the thread that sends.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces did not get to the collector");
        }
    }
}

async fn trace(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let span = span(request.method(), path.as_ref().map_or("other", MatchedPath::as_str));
    let parent = TraceContextPropagator::new().extract(&Parent(request.headers()));
    // Fails when the span is not recorded.
    let _ = span.set_parent(parent);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

fn span(method: &Method, route: &str) -> Span {
    let is_known =
        [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS, Method::HEAD].contains(method);
    let method = if is_known { method.as_str() } else { "_OTHER" };
    tracing::trace_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
    )
}

/// The one `traceparent` of a request; two are none.
struct Parent<'r>(&'r HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(TRACE_PARENT).iter();
        let (first, second) = (values.next()?, values.next());
        (key == TRACE_PARENT && second.is_none()).then(|| first.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACE_PARENT]
    }
}

/// Sends through `outbound`, which needs the runtime that the SDK's thread is not part of.
struct Sender {
    client: Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send(request, Limits::DOCUMENT).await });
        let answer = sent.await?;
        if let Err(error) = &answer {
            tracing::warn!(%error, "traces do not get to the collector");
        }
        Ok(answer?)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    fn parent(headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), value.parse::<http::HeaderValue>().unwrap())
        });
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| _ = map.append(name, value));
        let context = TraceContextPropagator::new().extract(&Parent(&map));
        let span = context.span().span_context().clone();
        span.is_valid().then(|| format!("{} {}", span.trace_id(), span.trace_state().header()))
    }

    #[test]
    fn up_21_one_bounded_parent_and_nothing_else_is_read() {
        const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let long = format!("{GOOD}{}", "0".repeat(64 * 1024));
        assert_eq!(
            parent(&[("traceparent", GOOD), ("tracestate", "a=b"), ("baggage", "user=ada")]).unwrap(),
            "0af7651916cd43dd8448eb211c80319c "
        );
        for bad in ["", "x", &GOOD.replace("00-0", "ff-0"), &GOOD.replace("b7ad6b7169203331", "0"), &long] {
            assert_eq!(parent(&[("traceparent", bad)]), None, "{bad}");
        }
        assert_eq!(parent(&[("traceparent", GOOD), ("traceparent", GOOD)]), None);
    }
}
