//! Who may knock at all: the checks of `Host` and `Origin` that come before any work, and what a browser is granted.
//!
//! A web page that a victim opens can reach a server on the victim's own machine by letting its own host name resolve
//! to a loopback address (DNS rebinding). The page cannot forge `Host` or `Origin`, so both are held against lists
//! that come from configuration:
//! - `Host` must name this server, exactly once, and agree with the request target when that names a host too;
//! - `Origin`, when it is there, must be ours or configured. "If the `Origin` header is present and invalid, servers
//!   MUST respond with HTTP 403" (Streamable HTTP, Security), which is also the answer to a preflight: an origin that
//!   may not ask is granted nothing.
//!
//! When the public URL is a loopback one, the loopback names are accepted with any port, as host and as origin.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Uri};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The lists that requests are held against.
#[derive(Debug, Clone)]
pub struct Admission {
    is_loopback: bool,
    /// Lower-case authorities.
    hosts: Vec<String>,
    /// Lower-case origins.
    origins: Vec<String>,
}

/// A request that may go on, with the origin that its answer is readable for.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted(Option<HeaderValue>);

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// No host, several, or two that disagree.
    #[error("the request does not name one host")]
    AmbiguousHost,
    /// A host that is not ours.
    #[error("this server does not answer for the host that the request names; add it to the allowed hosts")]
    Host,
    /// An origin that may not ask.
    #[error("web pages of this origin may not use this server; add it to the allowed origins")]
    Origin,
}

impl Admission {
    /// Lists made of the public URL and what is configured beside it: `hosts` as `host[:port]`, `origins` as
    /// `scheme://host[:port]`.
    pub fn new(public_url: &Uri, hosts: &[String], origins: &[String]) -> Self {
        let authority =
            public_url.authority().map_or_else(String::new, |authority| authority.as_str().to_lowercase());
        let scheme = public_url.scheme_str().unwrap_or("https");
        let default_port = if scheme == "http" { "80" } else { "443" };
        let explicit = format!("{authority}:{default_port}");
        let public_origin = format!("{scheme}://{authority}");
        Self {
            is_loopback: is_loopback(&authority),
            hosts: [authority, explicit]
                .into_iter()
                .chain(hosts.iter().map(|host| host.to_lowercase()))
                .collect(),
            origins: origins.iter().map(|origin| origin.to_lowercase()).chain([public_origin]).collect(),
        }
    }

    /// Judges one request by its host and origin alone.
    pub fn admit(&self, request: &Parts) -> Result<Admitted, NotAdmitted> {
        let host = named_host(request)?;
        let known = self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
        let is_ours = known || self.is_loopback && is_loopback(host);
        if !is_ours {
            return Err(NotAdmitted::Host);
        }
        self.admit_origin(request)
    }

    fn admit_origin(&self, request: &Parts) -> Result<Admitted, NotAdmitted> {
        let mut origins = request.headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(Admitted(None)) };
        let text = origin.to_str().map_err(|_| NotAdmitted::Origin)?;
        let known = self.origins.iter().any(|known| known.eq_ignore_ascii_case(text));
        if origins.next().is_some() || !(known || self.is_loopback && is_loopback_origin(text)) {
            return Err(NotAdmitted::Origin);
        }
        Ok(Admitted(Some(origin.clone())))
    }
}

impl Admitted {
    /// Lets the page of the admitted origin read the answer. Never with credentials: nothing here looks at cookies.
    pub fn grant(self, mut response: Response) -> Response {
        if let Some(origin) = self.0 {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.append(VARY, HeaderValue::from_static("origin"));
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("mcp-session-id, mcp-protocol-version, www-authenticate"),
            );
        }
        response
    }

    /// The answer to a CORS preflight (Fetch standard), which a browser sends without credentials and which is
    /// therefore answered before any token is asked for; `None` when the request is no preflight.
    pub fn preflight(&self, request: &Parts) -> Option<Response> {
        let is_preflight = request.method == Method::OPTIONS
            && self.0.is_some()
            && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_preflight.then(|| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE"));
            // The asterisk admits Mcp-Param-*; it never covers Authorization, which must be named.
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static(
                    "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, *",
                ),
            );
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            response
        })
    }
}

/// The one host that a request names: in `Host` (HTTP/1), or as the authority of its target (HTTP/2, absolute form).
fn named_host(request: &Parts) -> Result<&str, NotAdmitted> {
    let target = request.uri.authority().map(http::uri::Authority::as_str);
    let mut headers = request.headers.get_all(HOST).iter();
    let header =
        headers.next().map(|value| value.to_str()).transpose().map_err(|_| NotAdmitted::AmbiguousHost)?;
    match (header, target, headers.next()) {
        (Some(header), Some(target), None) if header.eq_ignore_ascii_case(target) => Ok(header),
        (Some(host), None, None) | (None, Some(host), None) => Ok(host),
        _ => Err(NotAdmitted::AmbiguousHost),
    }
}

/// A literal loopback name with or without a port; the text is compared, never resolved or normalised.
fn is_loopback(authority: &str) -> bool {
    LOOPBACK.iter().any(|name| {
        authority.get(..name.len()).is_some_and(|host| host.eq_ignore_ascii_case(name))
            && is_port(&authority[name.len()..])
    })
}

fn is_port(rest: &str) -> bool {
    rest.is_empty()
        || rest.strip_prefix(':').is_some_and(|port| {
            matches!(port.len(), 1..=5) && port.bytes().all(|digit| digit.is_ascii_digit())
        })
}

fn is_loopback_origin(origin: &str) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(scheme, authority)| matches!(scheme, "http" | "https") && is_loopback(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn judge(public: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), NotAdmitted> {
        let admission = Admission::new(
            &public.parse().unwrap(),
            &["gw.internal:9000".to_owned()],
            &["https://app.example".to_owned()],
        );
        admission.admit(&request(uri, headers)).map(drop)
    }

    #[test]
    fn gw_03_only_our_hosts_are_answered_for() {
        const LOCAL: &str = "http://127.0.0.1:8080";
        const PUBLIC: &str = "https://gw.example";
        for (public, uri, hosts, expected) in [
            (LOCAL, "/mcp/demo", &["127.0.0.1:8080"][..], Ok(())),
            (LOCAL, "/mcp/demo", &["localhost:1"], Ok(())),
            (LOCAL, "/mcp/demo", &["LOCALHOST"], Ok(())),
            (LOCAL, "/mcp/demo", &["[::1]:8080"], Ok(())),
            (LOCAL, "/mcp/demo", &["attacker.test:8080"], Err(NotAdmitted::Host)),
            (LOCAL, "/mcp/demo", &["localhost.evil"], Err(NotAdmitted::Host)),
            (LOCAL, "/mcp/demo", &["localhost:80@evil"], Err(NotAdmitted::Host)),
            (LOCAL, "/mcp/demo", &["127.0.0.1.evil:8080"], Err(NotAdmitted::Host)),
            (LOCAL, "/mcp/demo", &["2130706433"], Err(NotAdmitted::Host)),
            (LOCAL, "/mcp/demo", &[], Err(NotAdmitted::AmbiguousHost)),
            (LOCAL, "/mcp/demo", &["127.0.0.1:8080", "127.0.0.1:8080"], Err(NotAdmitted::AmbiguousHost)),
            (LOCAL, "http://evil.test/mcp/demo", &["127.0.0.1:8080"], Err(NotAdmitted::AmbiguousHost)),
            (LOCAL, "http://evil.test/mcp/demo", &[], Err(NotAdmitted::Host)),
            (LOCAL, "http://127.0.0.1:8080/mcp/demo", &[], Ok(())),
            (PUBLIC, "/mcp/demo", &["gw.example"], Ok(())),
            (PUBLIC, "/mcp/demo", &["GW.example:443"], Ok(())),
            (PUBLIC, "/mcp/demo", &["gw.internal:9000"], Ok(())),
            (PUBLIC, "/mcp/demo", &["gw.example:8443"], Err(NotAdmitted::Host)),
            (PUBLIC, "/mcp/demo", &["localhost:8080"], Err(NotAdmitted::Host)),
            (PUBLIC, "/mcp/demo", &["gw.example.evil"], Err(NotAdmitted::Host)),
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            assert_eq!(judge(public, uri, &headers), expected, "{public} {uri} {hosts:?}");
        }
    }

    #[test]
    fn gw_02_only_our_origins_may_ask() {
        for (public, origins, allowed) in [
            ("http://localhost:8080", &["http://localhost:6274"][..], true),
            ("http://localhost:8080", &["http://[::1]:1"], true),
            ("http://localhost:8080", &["https://app.example"], true),
            ("http://localhost:8080", &["https://evil.test"], false),
            ("http://localhost:8080", &["null"], false),
            ("http://localhost:8080", &["http://localhost.evil"], false),
            ("http://localhost:8080", &["http://localhost:8080/x"], false),
            ("http://localhost:8080", &["http://localhost:8080", "https://evil.test"], false),
            ("https://gw.example", &["https://gw.example"], true),
            ("https://gw.example", &["http://gw.example"], false),
            ("https://gw.example", &["http://localhost:6274"], false),
            ("https://gw.example", &["https://gw.example.evil"], false),
        ] {
            let host = public.split_once("://").unwrap().1;
            let mut headers = vec![("host", host)];
            headers.extend(origins.iter().map(|origin| ("origin", *origin)));
            let expected = if allowed { Ok(()) } else { Err(NotAdmitted::Origin) };
            assert_eq!(judge(public, "/mcp/demo", &headers), expected, "{public} {origins:?}");
        }
    }
}
