//! The loopback redirect of a native app (RFC 8252 §7.3): receives one authorization response and nothing else.
//!
//! Anybody on this computer, and any web page in its browser, can send requests here. So, in this order:
//!
//! 1. only `GET /callback` with the exact `Host` of the redirect URI is looked at (DNS rebinding);
//! 2. the response is *judged* (state, issuer) before any page claims success;
//! 3. whatever is not ours gets a 400 and the waiting goes on, so that a stranger cannot end a login;
//! 4. the first decisive response wins; later ones are told so.

mod page;

use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use self::page::Page;

/// The path of the redirect URI.
const PATH: &str = "/callback";

/// How many connections are served at the same time; further ones are closed.
const CONNECTIONS: usize = 32;

/// How long a connection may take to send its request.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// What the judge of an authorization response says.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    /// Not a response to our request (wrong, missing or repeated `state`): answer 400, go on waiting.
    NotOurs,
    /// Ends the flow with success.
    Accepted(T),
    /// Ends the flow without success; the two texts are shown on the page, escaped.
    Declined {
        /// What `receive` returns.
        outcome: T,
        /// The error, for example `access_denied`.
        error: String,
        /// More about it; may be empty.
        description: String,
    },
}

/// A listener on `127.0.0.1`, on a port of its own for each flow.
pub(crate) struct Receiver {
    listener: TcpListener,
    authority: String,
}

impl Receiver {
    /// Binds a free port on `127.0.0.1`.
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let authority = listener.local_addr()?.to_string();
        Ok(Self { listener, authority })
    }

    /// The redirect URI of this flow, for example `http://127.0.0.1:49152/callback`.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://{}{PATH}", self.authority)
    }

    /// Waits until `judge` has decided about a query string, for at most `time`. `None` when time is up.
    pub(crate) async fn receive<T, J>(self, judge: J, time: Duration) -> Option<T>
    where
        T: Send + 'static,
        J: Fn(&str) -> Verdict<T> + Send + Sync + 'static,
    {
        let desk = Arc::new(Desk { authority: self.authority, judge, decided: AtomicBool::new(false) });
        tokio::time::timeout(time, serve(self.listener, desk)).await.ok()
    }
}

/// Serves connections until one of them has delivered its decisive page.
async fn serve<T, J>(listener: TcpListener, desk: Arc<Desk<J>>) -> T
where
    T: Send + 'static,
    J: Fn(&str) -> Verdict<T> + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                if connections.len() < CONNECTIONS {
                    connections.spawn(serve_connection(stream, desk.clone()));
                }
            }
            Some(Ok(Some(outcome))) = connections.join_next() => return outcome,
        }
    }
}

/// Serves one connection; returns the outcome once its page has been sent.
async fn serve_connection<T, J>(stream: TcpStream, desk: Arc<Desk<J>>) -> Option<T>
where
    T: Send + 'static,
    J: Fn(&str) -> Verdict<T> + Send + Sync + 'static,
{
    let outcome = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let (page, decided) = desk.answer(&request);
        if decided.is_some() {
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = decided;
        }
        std::future::ready(Ok::<_, Infallible>(respond(&page, request.headers())))
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the callback broke off");
    }
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What all connections of one flow share.
struct Desk<J> {
    authority: String,
    judge: J,
    decided: AtomicBool,
}

impl<J> Desk<J> {
    fn answer<T>(&self, request: &Request<Incoming>) -> (Page, Option<T>)
    where
        J: Fn(&str) -> Verdict<T>,
    {
        let host = request.headers().get(header::HOST).map(http::HeaderValue::as_bytes);
        let is_callback = request.method() == Method::GET
            && request.uri().path() == PATH
            && host == Some(self.authority.as_bytes());
        if !is_callback {
            return (Page::NotExpected, None);
        }
        match (self.judge)(request.uri().query().unwrap_or_default()) {
            Verdict::NotOurs => (Page::NotExpected, None),
            _ if self.decided.swap(true, Ordering::SeqCst) => (Page::NotExpected, None),
            Verdict::Accepted(outcome) => (Page::Success, Some(outcome)),
            Verdict::Declined { outcome, error, description } => {
                (Page::Failure { error, description }, Some(outcome))
            }
        }
    }
}

fn respond(page: &Page, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let languages = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut response = Response::new(Full::from(page.html(languages.unwrap_or_default())));
    *response.status_mut() =
        if matches!(page, Page::Success) { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, page::content_security_policy());
    response
}

#[cfg(test)]
mod tests;
