//! Headers that no model sets (OA-03): those of the connection, those that say who is asking, those that the gateway
//! writes itself, and those by which one request pretends to be another.

use http::HeaderName;

use crate::{ApiKeyLocation, Document, Location, Parameter, SecurityScheme};

const RESERVED: [&str; 32] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-cert",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

const RESERVED_BEGINNINGS: [&str; 5] = ["proxy-", "sec-", "x-forwarded-", "access-control-", "mcp-"];

/// Whether a header belongs to HTTP, to credentials or to the gateway.
pub(crate) fn is_reserved_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str())
        || RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// The places in which the document expects credentials, besides the reserved headers.
pub(super) struct Credentials(Vec<(Location, String)>);

impl Credentials {
    pub(super) fn of(document: &Document) -> Self {
        let keys = document.security_schemes().into_values().filter_map(|scheme| match scheme {
            SecurityScheme::ApiKey { name, location } => Some((place(location), name)),
            _ => None,
        });
        Self(keys.collect())
    }

    /// Whether no model may set the parameter: it is a credential, a reserved header, or no header at all.
    pub(super) fn reserve(&self, parameter: &Parameter) -> bool {
        let is_credential = self.0.iter().any(|(location, name)| {
            *location == parameter.location && name.eq_ignore_ascii_case(&parameter.name)
        });
        let is_no_header = || {
            HeaderName::from_bytes(parameter.name.as_bytes()).is_err() || is_reserved_header(&parameter.name)
        };
        is_credential || parameter.location == Location::Header && is_no_header()
    }
}

fn place(location: ApiKeyLocation) -> Location {
    match location {
        ApiKeyLocation::Header => Location::Header,
        ApiKeyLocation::Query => Location::Query,
        ApiKeyLocation::Cookie => Location::Cookie,
    }
}
