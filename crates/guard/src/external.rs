//! Tokens of authorization servers that are not ours, for those who keep their own.
//!
//! 1. [`TrustedIssuers::of`]: whose token is it? The unverified `iss` of a JWT chooses among the trusted issuers; an
//!    opaque token can only be that of the one issuer that is asked about tokens. Nobody is asked about another's token.
//! 2. `key_set`: the issuer's keys, found by its metadata (RFC 8414, OpenID Connect Discovery), kept, and asked for
//!    again when a token names one that is not there; or `introspection`: the issuer itself (RFC 7662).
//! 3. `claims`: issuer, audience, times and what kind of token it is; then its claims in our words.
//!
//! A subject means something only together with its issuer. Names that policies and accounts are written with are
//! qualified, `ada@https://idp.example`, so that nobody is taken for a user of ours by being called like one.

mod claims;
mod discovery;
mod introspection;
mod key_set;

use std::{sync::Arc, time::Duration};

use oauth::{
    Clock, Issuer, Timestamp,
    access_token::AccessTokenClaims,
    jws::{self, JwsError},
};
use serde_json::{Map, Value};

pub use claims::ClaimNames;
use claims::{Expected, Unacceptable};
pub use introspection::Introspection;
use introspection::Introspector;
use key_set::KeySet;

use crate::verified::Verified;

/// How long an outcome may be used again without looking at the keys again: a key that its issuer withdraws ends the
/// tokens that it signed within this time.
const VERIFIED: Duration = Duration::from_mins(5);
/// The same for what an issuer said about a token: how long it may be revoked there and used here.
const INTROSPECTED: Duration = Duration::from_secs(10);
/// The same for a refusal, whose reason may be over soon.
const REFUSED: Duration = Duration::from_secs(10);

/// Another authorization server, as the operator describes it.
pub struct ExternalIssuerSettings {
    /// What it calls itself, byte by byte.
    pub issuer: Issuer,
    /// How its tokens are verified.
    pub verification: Verification,
    /// Audiences that mean us, beside the resource itself: for issuers that know no resource indicators.
    pub audiences: Vec<String>,
    /// Whether a token must say that it is an access token (`typ` is `at+jwt`, RFC 9068 §2.1). Without that, tokens of
    /// type `JWT` and of none are taken too, if nothing in them belongs to an ID token.
    pub requires_type: bool,
    /// Where its tokens say what.
    pub claims: ClaimNames,
    /// Asks it.
    pub client: outbound::Client,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// How tokens are verified.
#[derive(Debug)]
pub enum Verification {
    /// By the issuer's keys.
    Keys,
    /// By asking the issuer (RFC 7662).
    Introspection(Introspection),
}

/// Another authorization server whose tokens are accepted. Cheap to clone; clones share keys.
#[derive(Clone)]
pub struct ExternalIssuer(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    audiences: Vec<String>,
    requires_type: bool,
    names: ClaimNames,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
}

enum Verifier {
    Keys(KeySet),
    Introspection(Introspector),
}

/// Which issuers a resource trusts.
#[derive(Clone)]
pub struct TrustedIssuers {
    /// Whether tokens of our own issuer are accepted.
    pub own: bool,
    /// The others.
    pub external: Vec<ExternalIssuer>,
}

impl Default for TrustedIssuers {
    fn default() -> Self {
        Self { own: true, external: Vec::new() }
    }
}

/// What became of a token, and how long that holds.
#[derive(Clone)]
pub(crate) struct Judged {
    pub(crate) claims: Result<Arc<Verified>, Refused>,
    pub(crate) until: Timestamp,
}

/// The token is not good; why, the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// Why a token could not be judged: nobody knows whether it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer cannot be asked")]
pub(crate) struct Unavailable;

/// Tokens of ours begin like this, and are never shown to anybody.
const OWN_PREFIX: &str = "vst_";

impl TrustedIssuers {
    /// Step 1: the issuer that a token has to be held against, if there is one.
    pub(crate) fn of(&self, unverified_token: &str) -> Option<&ExternalIssuer> {
        if self.external.is_empty() || unverified_token.starts_with(OWN_PREFIX) {
            return None;
        }
        match jws::unverified_claims::<Map<String, Value>>(unverified_token) {
            Some(claims) => {
                let issuer = claims.get("iss")?.as_str()?;
                self.external.iter().find(|external| external.issuer().as_str() == issuer)
            }
            None => self.external.iter().find(|external| external.takes_opaque_tokens()),
        }
    }
}

impl ExternalIssuer {
    /// An issuer; it is not asked before the first token comes.
    pub fn new(settings: ExternalIssuerSettings) -> Self {
        let ExternalIssuerSettings { issuer, verification, audiences, requires_type, claims, client, clock } =
            settings;
        let verifier = match verification {
            Verification::Keys => Verifier::Keys(KeySet::new(issuer.clone(), client, Arc::clone(&clock))),
            Verification::Introspection(how) => {
                Verifier::Introspection(Introspector::new(issuer.clone(), how, client, Arc::clone(&clock)))
            }
        };
        Self(Arc::new(Inner { issuer, audiences, requires_type, names: claims, verifier, clock }))
    }

    /// What it calls itself.
    pub fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    /// Whether it is asked about tokens, so that they may be opaque.
    pub fn takes_opaque_tokens(&self) -> bool {
        matches!(self.0.verifier, Verifier::Introspection(_))
    }

    /// Steps 2 and 3, for a resource with these names.
    pub(crate) async fn judge(&self, token: &str, resource: &[&str]) -> Result<Judged, Unavailable> {
        let expected = Expected {
            issuer: &self.0.issuer,
            audiences: &self.0.audiences,
            resource,
            names: &self.0.names,
            token,
        };
        match &self.0.verifier {
            Verifier::Keys(keys) => {
                let found = self.verified(token, keys).await?;
                Ok(self.judged(found.and_then(|claims| expected.access_token(&claims, self.now())), VERIFIED))
            }
            Verifier::Introspection(introspector) => {
                let found = introspector.introspect(token).await?;
                let found = found.ok_or(Unacceptable::Inactive);
                let found = found.and_then(|answer| expected.introspected(&answer, self.now()));
                Ok(self.judged(found, INTROSPECTED))
            }
        }
    }

    async fn verified(
        &self,
        token: &str,
        keys: &KeySet,
    ) -> Result<Result<Map<String, Value>, Unacceptable>, Unavailable> {
        let Some(kid) = jws::unverified_kid(token) else { return Ok(Err(JwsError::UnknownKey.into())) };
        let known = keys.with_key(&kid).await?;
        let mut has_type = false;
        let claims = jws::verify_of_type(token, &known, |found| {
            has_type = found.is_some_and(|found| found.eq_ignore_ascii_case("at+jwt"));
            let is_plain = found.is_none_or(|found| found.eq_ignore_ascii_case("jwt"));
            has_type || is_plain && !self.0.requires_type
        });
        Ok(claims.map_err(Unacceptable::from).and_then(|claims| {
            let claims: Map<String, Value> =
                serde_json::from_slice(&claims).map_err(|_| Unacceptable::Claim("claims"))?;
            if !has_type {
                claims::refuse_other_kinds(&claims)?;
            }
            Ok(claims)
        }))
    }

    fn judged(&self, found: Result<AccessTokenClaims, Unacceptable>, holds: Duration) -> Judged {
        match found {
            Ok(claims) => {
                let until = (self.now() + holds).min(Timestamp::from_seconds(claims.exp));
                Judged { claims: Ok(Arc::new(claims.into())), until }
            }
            Err(reason) => {
                tracing::debug!(issuer = %self.0.issuer, %reason, "access token of another issuer refused");
                Judged { claims: Err(Refused), until: self.now() + REFUSED }
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

#[cfg(test)]
mod tests;
