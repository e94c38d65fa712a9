//! How pages are answered: headers that let nothing in, and one place where a problem becomes an error page.

use std::time::Duration;

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use oauth::{Issuer, RedirectUri};
use store::{CommitError, StoreError};

use crate::{
    AuthorizationServer,
    answer::retry_after,
    attempts::TooMany,
    browser::FromBrowser,
    pages::{CONTENT_SECURITY_POLICY, ErrorKind, ErrorPage},
    password_pool::Overloaded,
};

/// Why a page cannot be shown or a form not be taken.
#[derive(Debug)]
pub struct PageError {
    kind: ErrorKind,
    status: StatusCode,
    /// What the app's developer may read, in the standard's words.
    detail: Option<String>,
    /// What only the log says.
    reason: Option<String>,
    retry_after: Option<Duration>,
}

impl PageError {
    /// The page of this kind, with the status it is answered with.
    pub fn new(kind: ErrorKind, status: StatusCode) -> Self {
        Self { kind, status, detail: None, reason: None, retry_after: None }
    }

    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// A form that was not sent from our own page, or by another browser than the one that began.
    pub fn foreign_form() -> Self {
        Self::new(ErrorKind::ForeignForm, StatusCode::FORBIDDEN)
    }

    /// Something that is needed is away; `reason` is for the log alone.
    pub fn unavailable(reason: &dyn std::fmt::Display) -> Self {
        let unavailable = Self::new(ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE);
        Self { reason: Some(reason.to_string()), retry_after: Some(Duration::from_secs(1)), ..unavailable }
    }

    /// A transaction that is unknown, too old or decided.
    pub fn expired_transaction(status: StatusCode) -> Self {
        Self::new(ErrorKind::ExpiredTransaction, status)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<audit::Overloaded> for PageError {
    fn from(error: audit::Overloaded) -> Self {
        let unavailable = Self::new(ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE);
        Self { reason: Some(error.to_string()), retry_after: Some(Duration::from_secs(2)), ..unavailable }
    }
}

impl From<CommitError> for PageError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Refused(_) => Self::expired_transaction(StatusCode::FORBIDDEN),
        }
    }
}

impl From<TooMany> for PageError {
    fn from(error: TooMany) -> Self {
        let too_many = Self::new(ErrorKind::TooManyRequests, StatusCode::TOO_MANY_REQUESTS);
        Self { retry_after: Some(error.retry_after), ..too_many }
    }
}

impl From<Overloaded> for PageError {
    fn from(_: Overloaded) -> Self {
        Self::from(TooMany { retry_after: Duration::from_secs(1) })
    }
}

/// Answers with the flow's response, or with the error page that its problem needs.
pub fn answer(
    server: &AuthorizationServer,
    from: &FromBrowser,
    result: Result<Response, PageError>,
) -> Response {
    let error = match result {
        Ok(response) => return response,
        Err(error) => error,
    };
    let id = server.incident_id();
    let (status, kind) = (error.status.as_u16(), error.kind);
    match &error.reason {
        Some(reason) => tracing::error!(incident = id, status, ?kind, reason, "page refused"),
        None => tracing::info!(incident = id, status, ?kind, "page refused"),
    }
    let page = ErrorPage { kind, status, id: &id, detail: error.detail.as_deref() };
    let response = show(server.issuer(), error.status, page.render(from.language), None);
    match error.retry_after {
        Some(after) => retry_after(response, after),
        None => response,
    }
}

/// A page of the authorization server; see [`Page`].
pub(crate) fn show(
    issuer: &Issuer,
    status: StatusCode,
    html: String,
    destination: Option<&RedirectUri>,
) -> Response {
    let page = Page::new(status, html);
    let page = match destination {
        Some(destination) => page.leading_to(destination.content_security_source()),
        None => page,
    };
    page.answer(issuer)
}

/// A page, and what its browser may do with it. Its forms may post to this server only.
pub struct Page {
    status: StatusCode,
    html: String,
    destination: String,
    has_script: bool,
}

impl Page {
    /// A page without a script, whose forms lead nowhere else.
    pub fn new(status: StatusCode, html: String) -> Self {
        Self { status, html, destination: String::new(), has_script: false }
    }

    /// Its forms lead on to `source` (CSP 3 §2.3.1, such as `https://github.com`): browsers apply `form-action` to
    /// redirects too.
    #[must_use]
    pub fn leading_to(self, source: String) -> Self {
        Self { destination: source, ..self }
    }

    /// It loads a script, which is one of our assets.
    #[must_use]
    pub fn with_script(self) -> Self {
        Self { has_script: true, ..self }
    }

    /// The response.
    pub fn answer(self, issuer: &Issuer) -> Response {
        let mut response = (self.status, Html(self.html)).into_response();
        let script = if self.has_script { "; script-src 'self'" } else { "" };
        let policy = format!("{CONTENT_SECURITY_POLICY}{script}; form-action 'self' {}", self.destination);
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(policy.trim_end()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        protect(headers, issuer);
        response
    }
}

/// RFC 9700 §4.12: after a form, only 303 makes every browser drop the form's body.
pub fn see_other(issuer: &Issuer, url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(url) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    protect(response.headers_mut(), issuer);
    response
}

fn protect(headers: &mut HeaderMap, issuer: &Issuer) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // "no-referrer" would turn the Origin of our own forms into "null" (Fetch §3.2).
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if !issuer.is_plain_http() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
}

/// Adds a cookie to a response.
pub(crate) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
