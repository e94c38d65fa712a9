//! The `Authorization` header, and what it promises about the request.

use http::{HeaderMap, Uri, header, request::Parts};
use oauth::Timestamp;

use crate::{SignatureError, verified::TOLERANCE};

/// How the header begins.
const SCHEME: &str = "AWS4-HMAC-SHA256";
/// How a credential scope ends.
const TERMINATOR: &str = "aws4_request";

/// For which region and service a credential has to be. They are labels in the derivation of the signing key: a
/// signature for one service is worthless at another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialScope {
    /// Such as `us-east-1`.
    pub region: String,
    /// Such as `vestibule`.
    pub service: String,
}

/// Whether a request claims to be signed, well or not.
pub fn is_signed(headers: &HeaderMap) -> bool {
    let begins = |value: &http::HeaderValue| {
        value
            .as_bytes()
            .get(..SCHEME.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(SCHEME.as_bytes()))
    };
    headers.get_all(header::AUTHORIZATION).iter().any(begins)
}

/// A signature that was read and not verified.
#[derive(Debug)]
pub struct UnverifiedSignature<'r> {
    pub(crate) parts: &'r Parts,
    pub(crate) access_key_id: &'r str,
    pub(crate) scope: &'r CredentialScope,
    pub(crate) signed_at: Timestamp,
    /// In lower case, in order, each once, each with its one value.
    pub(crate) signed_headers: Vec<(&'r str, &'r str)>,
    pub(crate) signature: &'r str,
}

impl<'r> UnverifiedSignature<'r> {
    /// Reads the signature of a request for `path`, before its body.
    ///
    /// # Errors
    /// [`SignatureError`] says what the request has to have.
    pub fn read(
        parts: &'r Parts,
        path: &str,
        scope: &'r CredentialScope,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        check_target(&parts.uri, path)?;
        let fields = Fields::of(&parts.headers)?;
        let credential = Credential::parse(fields.credential)?;
        if credential.region != scope.region || credential.service != scope.service {
            let CredentialScope { region, service } = scope.clone();
            return Err(SignatureError::Scope { region, service });
        }
        let date = date_header(&parts.headers)?;
        let signed_at = parse_date(date).ok_or(SignatureError::Date)?;
        if credential.date != &date[..8] {
            return Err(SignatureError::ScopeDate);
        }
        // `since` is zero for what is yet to come.
        if now.since(signed_at).max(signed_at.since(now)) > TOLERANCE {
            return Err(SignatureError::Skew);
        }
        let signed_headers = signed_headers(parts, fields.signed_headers)?;
        check_everything_is_signed(&parts.headers, &signed_headers)?;
        Ok(Self {
            parts,
            access_key_id: credential.id,
            scope,
            signed_at,
            signed_headers,
            signature: fields.signature,
        })
    }

    /// Whose key it is said to be signed with.
    pub fn access_key_id(&self) -> &'r str {
        self.access_key_id
    }
}

/// Two query strings or paths can have one canonical form. MCP endpoints have one path and no query.
fn check_target(uri: &Uri, path: &str) -> Result<(), SignatureError> {
    if uri.path() == path && uri.query().is_none() { Ok(()) } else { Err(SignatureError::Target) }
}

/// The three fields of the header.
struct Fields<'r> {
    credential: &'r str,
    signed_headers: &'r str,
    signature: &'r str,
}

impl<'r> Fields<'r> {
    fn of(headers: &'r HeaderMap) -> Result<Self, SignatureError> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(SignatureError::Malformed)?;
        if values.next().is_some() {
            return Err(SignatureError::Several);
        }
        let text = value.to_str().ok().and_then(|text| text.strip_prefix(SCHEME)?.strip_prefix(' '));
        let mut fields = text.ok_or(SignatureError::Malformed)?.split(',').map(str::trim);
        let mut field = |name: &str| {
            let value = fields.next().and_then(|field| field.strip_prefix(name)?.strip_prefix('='));
            value.ok_or(SignatureError::Malformed)
        };
        let found = Self {
            credential: field("Credential")?,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        };
        let is_hexadecimal = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_whole =
            fields.next().is_none() && found.signature.len() == 64 && is_hexadecimal(found.signature);
        if is_whole { Ok(found) } else { Err(SignatureError::Malformed) }
    }
}

/// `ID/DATE/REGION/SERVICE/aws4_request`
struct Credential<'r> {
    id: &'r str,
    date: &'r str,
    region: &'r str,
    service: &'r str,
}

impl<'r> Credential<'r> {
    fn parse(text: &'r str) -> Result<Self, SignatureError> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [id, date, region, service, TERMINATOR] if is_key_id(id) => {
                Ok(Self { id, date, region, service })
            }
            _ => Err(SignatureError::Malformed),
        }
    }
}

fn is_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Only `X-Amz-Date`: `Date` may be changed on the way.
fn date_header(headers: &HeaderMap) -> Result<&str, SignatureError> {
    let mut values = headers.get_all("x-amz-date").iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(date), None) => Ok(date),
        _ => Err(SignatureError::Date),
    }
}

/// ISO 8601 basic form, in UTC, to the second; written in one way only.
fn parse_date(text: &str) -> Option<Timestamp> {
    const FORM: &str = "%Y%m%dT%H%M%SZ";
    let time = jiff::fmt::strtime::parse(FORM, text).ok()?.to_datetime().ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    (time.strftime(FORM).to_string() == text).then(|| Timestamp::from_seconds(time.timestamp().as_second()))
}

/// The headers of the list with their values: what is signed is exactly that.
fn signed_headers<'r>(parts: &'r Parts, list: &'r str) -> Result<Vec<(&'r str, &'r str)>, SignatureError> {
    let names: Vec<_> = list.split(';').collect();
    if !names.is_sorted_by(|one, next| one < next) {
        return Err(SignatureError::SignedHeaders);
    }
    names
        .into_iter()
        .map(|name| Ok((name, value(parts, name).ok_or(SignatureError::SignedHeaders)?)))
        .collect()
}

fn value<'r>(parts: &'r Parts, name: &str) -> Option<&'r str> {
    if name == "authorization" || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        // In HTTP/2 the host is the authority of the URI.
        (None, None) if name == header::HOST.as_str() => {
            parts.uri.authority().map(http::uri::Authority::as_str)
        }
        _ => None,
    }
}

/// What says where a request goes, when it was signed and what it means has to be signed with it.
fn check_everything_is_signed(headers: &HeaderMap, signed: &[(&str, &str)]) -> Result<(), SignatureError> {
    if headers.contains_key("x-amz-security-token") {
        return Err(SignatureError::SessionToken);
    }
    let decides = |name: &&str| {
        ["content-type", "content-encoding", "last-event-id"].contains(name)
            || name.starts_with("x-amz-")
            || name.starts_with("mcp-")
    };
    let present = headers.keys().map(http::HeaderName::as_str).filter(decides);
    match ["host", "x-amz-date"]
        .into_iter()
        .chain(present)
        .find(|name| !signed.iter().any(|(signed, _)| signed == name))
    {
        Some(missing) => Err(SignatureError::Unsigned(missing.to_owned())),
        None => Ok(()),
    }
}
