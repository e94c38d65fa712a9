//! What another issuer says about a token, held against what we expect and put in our words. Pure.

use std::time::Duration;

use oauth::{
    ClientId, Issuer, JwtId, ResourceIndicator, Scope, Timestamp, access_token::AccessTokenClaims,
    jws::JwsError,
};
use secret::Digest;
use serde_json::{Map, Value};

/// Where the tokens of an issuer say what: for each thing the names to look at, the first that is there counts. A name
/// that begins with a slash is a JSON pointer (RFC 6901), such as `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The name of the user for people.
    pub user_name: Vec<String>,
    /// The client that the token was issued to.
    pub client: Vec<String>,
    /// What it may be used for: a text with spaces, or a list.
    pub scope: Vec<String>,
    /// What the user is: a list.
    pub roles: Vec<String>,
    /// Where the user belongs: a list.
    pub groups: Vec<String>,
}

impl Default for ClaimNames {
    /// The names of RFC 9068 and those that are in wide use.
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            user_name: names(&["preferred_username", "username"]),
            client: names(&["client_id", "azp", "appid", "cid"]),
            scope: names(&["scope", "scp"]),
            roles: names(&["roles"]),
            groups: names(&["groups"]),
        }
    }
}

/// What a token has to be.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    /// Audiences that mean us.
    pub(super) audiences: &'a [String],
    /// The names of the resource; the first is its own.
    pub(super) resource: &'a [&'a str],
    pub(super) names: &'a ClaimNames,
    pub(super) token: &'a str,
}

/// Why a token is refused. Callers are answered alike; the log may tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unacceptable {
    #[error(transparent)]
    Jws(#[from] JwsError),
    #[error("the issuer says that it is not active")]
    Inactive,
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    #[error("another issuer")]
    Issuer,
    #[error("issued for another audience")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    NotYetValid,
    #[error("it is bound to a key, and was presented without a proof of it")]
    Bound,
    #[error("it is no access token")]
    OtherKind,
}

type Claims = Map<String, Value>;

/// How far two clocks may be apart for a token to be "not valid yet".
const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// How long a permit holds at most: what an issuer revokes cannot be seen on an open stream.
const PERMIT: Duration = Duration::from_mins(10);
/// More roles or groups than this, or longer ones, are a mistake of somebody.
const MAXIMUM_NAMES: usize = 512;
const MAXIMUM_NAME: usize = 256;

/// Refuses what only other kinds of JWT carry: where `typ` does not tell an access token from an ID token, this does.
pub(super) fn refuse_other_kinds(claims: &Claims) -> Result<(), Unacceptable> {
    let is_id_token = ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name));
    let says = |name: &str, allowed: &[&str]| match claims.get(name) {
        None => true,
        Some(value) => value
            .as_str()
            .is_some_and(|value| allowed.iter().any(|allowed| value.eq_ignore_ascii_case(allowed))),
    };
    let is_access_token = says("token_use", &["access"]) && says("typ", &["bearer", "at+jwt"]);
    if is_id_token || !is_access_token { Err(Unacceptable::OtherKind) } else { Ok(()) }
}

impl Expected<'_> {
    /// The verified claims of a JWT: all that RFC 9068 §4 asks for is there and right.
    pub(super) fn access_token(
        &self,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<AccessTokenClaims, Unacceptable> {
        if text(claims, "iss") != Some(self.issuer.as_str()) {
            return Err(Unacceptable::Issuer);
        }
        let expiry = seconds(claims, "exp")?.ok_or(Unacceptable::Claim("exp"))?;
        self.translated(claims, Timestamp::from_seconds(expiry), now)
    }

    /// What the issuer answered about a token that is active (RFC 7662 §2.2). What it leaves out is not assumed, but for
    /// issuer and expiry: it was asked itself, and is asked again.
    pub(super) fn introspected(
        &self,
        answer: &Claims,
        now: Timestamp,
    ) -> Result<AccessTokenClaims, Unacceptable> {
        if answer.get("iss").is_some_and(|issuer| issuer.as_str() != Some(self.issuer.as_str())) {
            return Err(Unacceptable::Issuer);
        }
        let is_bearer = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        if answer.get("token_type").is_some_and(|kind| !is_bearer(kind)) {
            return Err(Unacceptable::Bound);
        }
        let expiry = seconds(answer, "exp")?.map_or(now + PERMIT, Timestamp::from_seconds);
        self.translated(answer, expiry, now)
    }

    fn translated(
        &self,
        claims: &Claims,
        expiry: Timestamp,
        now: Timestamp,
    ) -> Result<AccessTokenClaims, Unacceptable> {
        if claims.contains_key("cnf") {
            return Err(Unacceptable::Bound);
        }
        self.check_audience(claims)?;
        if expiry <= now {
            return Err(Unacceptable::Expired);
        }
        for name in ["nbf", "iat"] {
            if seconds(claims, name)?.is_some_and(|since| Timestamp::from_seconds(since) > now + CLOCK_SKEW) {
                return Err(Unacceptable::NotYetValid);
            }
        }
        let names = self.names;
        let subject =
            text(claims, "sub").filter(|subject| is_name(subject)).ok_or(Unacceptable::Claim("sub"))?;
        let client = first_text(claims, &names.client).ok_or(Unacceptable::Claim("client_id"))?;
        Ok(AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: subject.to_owned(),
            aud: ResourceIndicator::parse(self.resource[0]).map_err(|_| Unacceptable::Audience)?,
            exp: expiry.min(now + PERMIT).seconds(),
            iat: now.seconds(),
            // Ours alone are looked up among the revoked ones.
            jti: JwtId::from_unverified(format!(
                "external:{}",
                Digest::of(self.token.as_bytes()).to_base64url()
            )),
            client_id: ClientId::from_unverified(self.qualified(client)),
            scope: scope(claims, &names.scope)?,
            grant_id: None,
            preferred_username: first_text(claims, &names.user_name).map(|name| self.qualified(name)),
            roles: list(claims, &names.roles, "roles")?,
            groups: list(claims, &names.groups, "groups")?,
        })
    }

    /// RFC 9068 §4: "the resource server MUST validate that the aud claim contains a resource indicator value
    /// corresponding to an identifier the resource server expects for itself".
    fn check_audience(&self, claims: &Claims) -> Result<(), Unacceptable> {
        let means_us = |audience: &Value| {
            audience.as_str().is_some_and(|audience| {
                self.resource.contains(&audience) || self.audiences.iter().any(|known| known == audience)
            })
        };
        let is_ours = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(means_us),
            Some(audience) => means_us(audience),
            None => false,
        };
        if is_ours { Ok(()) } else { Err(Unacceptable::Audience) }
    }

    fn qualified(&self, name: &str) -> String {
        format!("{name}@{}", self.issuer)
    }
}

fn value<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    match name.strip_prefix('/') {
        None => claims.get(name),
        Some(path) => {
            let (first, rest) =
                path.split_once('/').map_or((path, ""), |(first, _)| (first, &path[first.len()..]));
            claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
        }
    }
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    value(claims, name)?.as_str()
}

fn first_text<'c>(claims: &'c Claims, names: &[String]) -> Option<&'c str> {
    names.iter().find_map(|name| text(claims, name)).filter(|text| is_name(text))
}

fn is_name(text: &str) -> bool {
    (1..=MAXIMUM_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// RFC 7519 §2: a `NumericDate` may have a fraction.
fn seconds(claims: &Claims, name: &'static str) -> Result<Option<i64>, Unacceptable> {
    const END_OF_TIME: f64 = 253_402_300_800.0;
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = value.as_f64().filter(|number| (0.0..END_OF_TIME).contains(number));
    #[expect(clippy::cast_possible_truncation, reason = "it is between 0 and the year 10000")]
    number.map(|number| Some(number as i64)).ok_or(Unacceptable::Claim(name))
}

fn scope(claims: &Claims, names: &[String]) -> Result<Scope, Unacceptable> {
    let malformed = Unacceptable::Claim("scope");
    let text = match names.iter().find_map(|name| value(claims, name)) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(list) => strings(list).ok_or(malformed)?.join(" "),
    };
    Scope::parse(&text).map_err(|_| malformed)
}

fn list(claims: &Claims, names: &[String], what: &'static str) -> Result<Vec<String>, Unacceptable> {
    match names.iter().find_map(|name| value(claims, name)) {
        None => Ok(Vec::new()),
        Some(list) => strings(list).ok_or(Unacceptable::Claim(what)),
    }
}

/// A list that is too long is refused and not cut: a rule may deny something by what would be missing.
fn strings(list: &Value) -> Option<Vec<String>> {
    let list = list.as_array().filter(|list| list.len() <= MAXIMUM_NAMES)?;
    list.iter().map(|name| name.as_str().filter(|name| is_name(name)).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;
