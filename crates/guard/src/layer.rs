//! The guard as a layer around any service, such as an MCP server of the official SDK.
//!
//! A request takes the same way as at the gateway:
//! 1. `Host` and `Origin` against the resource's own ([`Admission`]), before any work: 403; a preflight is answered;
//! 2. the access token ([`Guard::check`]), on every method: 401;
//! 3. the scope that the whole service needs, and the one that the tool needs which an MCP message calls: 403 with all
//!    scopes of the operation, so that a client can step up;
//! 4. the service, with `Arc<Permit>` among the request's extensions and without the `Authorization` header: what
//!    stands behind the guard has no use for the token, and cannot pass it on.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, Uri, header, request::Parts};
use oauth::Scope;
use tower::{Layer, Service};

use crate::{Challenge, Guard, Permit, admission::Admission, tool_call};

/// The largest body that is read to find out which tool it calls: 4 MiB, as at the gateway.
const MAXIMUM_BODY: usize = 4 * 1024 * 1024;

/// Puts a [`Guard`] before a service. See the module for what happens to a request.
///
/// By default every tool is open to whoever has a valid token, the hosts are those of the resource's URL, and no web
/// page of another origin may ask.
#[derive(Clone)]
pub struct GuardLayer {
    guard: Guard,
    hosts: Vec<String>,
    origins: Vec<String>,
    needed: Scope,
    tools: BTreeMap<String, Scope>,
}

impl GuardLayer {
    /// A layer that lets those through whom `guard` gives a permit.
    pub fn new(guard: &Guard) -> Self {
        Self {
            guard: guard.clone(),
            hosts: Vec::new(),
            origins: Vec::new(),
            needed: Scope::default(),
            tools: BTreeMap::new(),
        }
    }

    /// Every request needs `scope`.
    #[must_use]
    pub fn needs(self, scope: Scope) -> Self {
        Self { needed: scope, ..self }
    }

    /// A `tools/call` of `tool` needs `scope` beside what every request needs.
    ///
    /// Once one tool is named, every body is read as one JSON-RPC message (at most 4 MiB), and one that is none, or
    /// that two readers could understand in two ways, is refused with 400.
    #[must_use]
    pub fn tool_needs(mut self, tool: &str, scope: Scope) -> Self {
        self.tools.insert(tool.to_owned(), scope);
        self
    }

    /// A further value of `Host` to answer for, as `host[:port]`.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// A further web origin whose pages may ask, as `scheme://host[:port]`.
    #[must_use]
    pub fn with_origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.to_owned());
        self
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        let Self { guard, hosts, origins, needed, tools } = self.clone();
        let url: Uri = guard.resource().as_str().parse().expect("a resource indicator is an absolute URL");
        let admission = Admission::new(&url, &hosts, &origins);
        Guarded { rules: Arc::new(Rules { guard, admission, needed, tools }), inner }
    }
}

/// A service behind a [`GuardLayer`].
#[derive(Clone)]
pub struct Guarded<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was found ready answers; its copy is asked again next time.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let rules = Arc::clone(&self.rules);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let admitted = match rules.admission.admit(&parts) {
                Ok(admitted) => admitted,
                Err(reason) => return Ok((StatusCode::FORBIDDEN, reason.to_string()).into_response()),
            };
            if let Some(preflight) = admitted.preflight(&parts) {
                return Ok(admitted.grant(preflight));
            }
            let (permit, body) = match rules.permit(&parts, body).await {
                Ok(permitted) => permitted,
                Err(refusal) => return Ok(admitted.grant(refusal)),
            };
            parts.headers.remove(header::AUTHORIZATION);
            parts.extensions.insert(Arc::new(permit));
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(admitted.grant(response.into_response()))
        })
    }
}

/// What requests are held against.
struct Rules {
    guard: Guard,
    admission: Admission,
    needed: Scope,
    tools: BTreeMap<String, Scope>,
}

impl Rules {
    /// Steps 2 and 3: the permit, and the body as it was judged; or the answer that refuses.
    async fn permit(&self, parts: &Parts, body: Body) -> Result<(Permit, Body), Response> {
        let permit =
            self.guard.admit(&parts.headers, &parts.uri).await.map_err(IntoResponse::into_response)?;
        self.covers(&permit, &self.needed).map_err(IntoResponse::into_response)?;
        if self.tools.is_empty() || parts.method != Method::POST {
            return Ok((permit, body));
        }
        let body = read(body).await?;
        let tool = tool_call::called(&body)
            .map_err(|reason| self.guard.invalid_request(&reason.to_string()).into_response())?;
        if let Some(scope) = tool.and_then(|tool| self.tools.get(&*tool)) {
            self.covers(&permit, &self.needed.union(scope)).map_err(IntoResponse::into_response)?;
        }
        Ok((permit, Body::from(body)))
    }

    fn covers(&self, permit: &Permit, needed: &Scope) -> Result<(), Challenge> {
        if needed.is_subset_of(permit.scope()) {
            return Ok(());
        }
        Err(self.guard.insufficient_scope(permit, needed))
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").into_response();
    axum::body::to_bytes(body, MAXIMUM_BODY).await.map_err(|_| too_large())
}

#[cfg(test)]
mod tests;
