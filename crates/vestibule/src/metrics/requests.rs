//! Requests on their way through the router.

use std::{
    array,
    collections::HashMap,
    pin::Pin,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::Response,
};
use bytes::Bytes;
use http::{StatusCode, header};
use hyper::body::{Frame, SizeHint};
use oauth::GrantType;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, gauge::Gauge},
};

use super::{Counters, Durations, Gauges};

/// Where a request that no route matched is counted.
const NOWHERE: &str = "other";
/// The status of a request whose client went away before there was an answer, as other servers call it.
const CLIENT_CLOSED: u16 = 499;
/// Statuses from 100 to 599.
const STATUSES: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndpointLabel {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    endpoint: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    grant_type: &'static str,
    outcome: &'static str,
}

/// Everything that is counted of requests.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) total: Counters<RequestLabels>,
    pub(super) durations: prometheus_client::metrics::family::Family<EndpointLabel, Durations>,
    pub(super) event_streams: Gauges<EndpointLabel>,
    pub(super) tokens: Counters<TokenLabels>,
    endpoints: RwLock<HashMap<String, Arc<Endpoint>>>,
}

/// The handles of one endpoint.
struct Endpoint {
    name: String,
    total: Counters<RequestLabels>,
    statuses: [OnceLock<Counter>; STATUSES],
    durations: Durations,
    event_streams: Gauge,
}

/// Every request to `router` is counted from now on.
pub(super) fn measuring(router: Router, requests: &Arc<Requests>) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::clone(requests), measure))
}

async fn measure(
    State(requests): State<Arc<Requests>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let endpoint = requests.endpoint(path.as_ref().map_or(NOWHERE, MatchedPath::as_str));
    let under_way = UnderWay { endpoint: &endpoint, began: Instant::now(), status: None };
    let response = next.run(request).await;
    under_way.end(response.status());
    requests.count_token(&response);
    endpoint.follow(response)
}

impl Requests {
    /// There are as many endpoints as routes, so after a moment this only reads.
    fn endpoint(&self, name: &str) -> Arc<Endpoint> {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
            let endpoint = endpoints.entry(name.to_owned());
            Arc::clone(endpoint.or_insert_with(|| Arc::new(self.new_endpoint(name))))
        })
    }

    fn new_endpoint(&self, name: &str) -> Endpoint {
        let label = EndpointLabel { endpoint: name.to_owned() };
        Endpoint {
            name: name.to_owned(),
            total: self.total.clone(),
            statuses: array::from_fn(|_| OnceLock::new()),
            durations: self.durations.get_or_create(&label).clone(),
            event_streams: self.event_streams.get_or_create(&label).clone(),
        }
    }

    /// The token endpoint leaves the grant type with its answer.
    fn count_token(&self, response: &Response) {
        if let Some(grant_type) = response.extensions().get::<GrantType>() {
            let outcome = match response.status() {
                status if status.is_success() => "issued",
                status if status.is_client_error() => "refused",
                _ => "failed",
            };
            self.tokens.get_or_create(&TokenLabels { grant_type: grant_type.as_str(), outcome }).inc();
        }
    }
}

impl Endpoint {
    fn count(&self, status: u16) {
        let counter = self.statuses.get(usize::from(status).wrapping_sub(100)).unwrap_or(&self.statuses[0]);
        let labels = || RequestLabels { endpoint: self.name.clone(), status };
        counter.get_or_init(|| self.total.get_or_create(&labels()).clone()).inc();
    }

    /// An answer that is a stream of events is open until it is dropped.
    fn follow(&self, response: Response) -> Response {
        let is_stream = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if !is_stream {
            return response;
        }
        self.event_streams.inc();
        let open = self.event_streams.clone();
        response.map(|body| Body::new(Open { body, open }))
    }
}

/// A request that has no answer yet; dropped without one, its client went away.
struct UnderWay<'e> {
    endpoint: &'e Endpoint,
    began: Instant,
    status: Option<StatusCode>,
}

impl UnderWay<'_> {
    fn end(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.endpoint.count(self.status.map_or(CLIENT_CLOSED, |status| status.as_u16()));
        self.endpoint.durations.observe(self.began.elapsed());
    }
}

/// The body of an open stream.
struct Open {
    body: Body,
    open: Gauge,
}

impl hyper::body::Body for Open {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.dec();
    }
}
