use std::sync::Arc;

use http::{HeaderMap, Uri, header};
use moka::sync::Cache;
use oauth::{
    Clock, Issuer, ResourceIndicator, Scope,
    access_token::{self, AccessTokenClaims},
    metadata::ProtectedResourceMetadata,
    well_known,
};
use secret::Digest;

use crate::{Challenge, Keys, Permit, RevokedTokens, Tenant};

/// What a guard needs to know of its resource.
pub struct Settings {
    /// The one issuer whose tokens are accepted.
    pub issuer: Issuer,
    /// The resource that is guarded.
    pub resource: ResourceIndicator,
    /// What the metadata calls the resource instead, for clients that ask for tokens for a parent of the URL that
    /// they use: one of the accepted audiences.
    pub announced: Option<ResourceIndicator>,
    /// Other names of the very same resource; tokens for them are accepted too. A resource that is itself
    /// only another name of a primary one lists the primary here.
    pub accepted_audiences: Vec<ResourceIndicator>,
    /// The account whose resource it is, if it is not everybody's.
    pub tenant: Option<Tenant>,
    /// Whether this is the resource's own name, not another one of it.
    pub is_primary: bool,
    /// What a person calls the resource.
    pub name: Option<String>,
    /// The scopes of basic use: advertised in the metadata and asked for in a 401.
    pub scope: Scope,
    /// The issuer's keys.
    pub keys: Keys,
    /// What the issuer has revoked.
    pub revoked: RevokedTokens,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// A resource that everybody with a token of `issuer` for it may use: nobody's in particular, without a name for
    /// people, scopes to advertise or revocations to look at. Set what differs:
    /// `Settings { scope, ..Settings::new(issuer, resource, keys, clock) }`.
    pub fn new(issuer: Issuer, resource: ResourceIndicator, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer,
            resource,
            announced: None,
            accepted_audiences: Vec::new(),
            tenant: None,
            is_primary: true,
            name: None,
            scope: Scope::default(),
            keys,
            revoked: RevokedTokens::default(),
            clock,
        }
    }
}

/// Guards one protected resource. Cheap to clone.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    settings: Settings,
    metadata_url: String,
    verified: Cache<Digest, Arc<AccessTokenClaims>>,
}

/// A signature check costs several times what passing a request on costs, so a token seen before is known by
/// its digest. The bound keeps a flood of tokens from growing memory; the claims' own expiry ends an entry.
const MAXIMUM_REMEMBERED_TOKENS: u64 = 50_000;

impl Guard {
    /// A guard for one resource.
    pub fn new(settings: Settings) -> Self {
        let metadata_url = well_known::protected_resource_url(&settings.resource);
        Self(Arc::new(Inner { settings, metadata_url, verified: Cache::new(MAXIMUM_REMEMBERED_TOKENS) }))
    }

    /// Checks a request by its headers and URI.
    ///
    /// # Errors
    /// The [`Challenge`] to answer with: 401 without a valid token, 403 with one of another account, 400 when the token is presented in a way
    /// that OAuth 2.1 §5.1 forbids.
    pub fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<Permit, Challenge> {
        if uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("access_token="))) {
            let description = "send the access token in the Authorization header, never in the URL";
            return Err(self.invalid_request(description));
        }
        let Some(token) = self.bearer_token(headers)? else {
            return Err(Challenge::missing_token(&self.0.metadata_url, &self.0.settings.scope));
        };
        self.verify(token).map(Permit::new)
    }

    /// A permit for what still happens under a token that was checked before, on a stream for one: looked at again
    /// as every request's is, and `None` once it has expired, was revoked, or is for another resource.
    pub fn renew(&self, permit: &Permit) -> Option<Permit> {
        let claims = permit.claims();
        self.holds(claims).then(|| Permit::new(Arc::clone(claims)))
    }

    /// The answer to a request whose token lacks scope: `needed` names *all* scopes of the operation.
    pub fn insufficient_scope(&self, _permit: &Permit, needed: &Scope) -> Challenge {
        Challenge::insufficient_scope(&self.0.metadata_url, needed)
    }

    /// The resource's metadata (RFC 9728 §2).
    pub fn metadata(&self) -> ProtectedResourceMetadata {
        let Settings { resource, announced, issuer, scope, name, .. } = &self.0.settings;
        let named = announced.as_ref().unwrap_or(resource);
        ProtectedResourceMetadata::new(named.clone(), issuer.as_str(), scope, name.clone())
    }

    /// The resource that is guarded.
    pub fn resource(&self) -> &ResourceIndicator {
        &self.0.settings.resource
    }

    /// Where the metadata is served: at the well-known URL of the guarded URL, and at that of the announced resource.
    pub(crate) fn metadata_paths(&self) -> Vec<String> {
        let path = |url: &str| url[self.resource().origin().len()..].to_owned();
        let announced = self.0.settings.announced.as_ref().map(well_known::protected_resource_url);
        [self.0.metadata_url.clone()].into_iter().chain(announced).map(|url| path(&url)).collect()
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.0.settings.is_primary
    }

    fn bearer_token<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Challenge> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (first, second) = (values.next(), values.next());
        if second.is_some() {
            return Err(self.invalid_request("send one Authorization header"));
        }
        let Some(value) = first else { return Ok(None) };
        let text = value.to_str().map_err(|_| self.invalid_token())?;
        match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token)),
            _ => Ok(None),
        }
    }

    fn verify(&self, token: &str) -> Result<Arc<AccessTokenClaims>, Challenge> {
        let Settings { issuer, keys, clock, .. } = &self.0.settings;
        let now = clock.now();
        let digest = Digest::of(token.as_bytes());
        let claims = if let Some(known) = self.0.verified.get(&digest) {
            known
        } else {
            let claims = access_token::verify(token, issuer, &keys.load(), now).map_err(|reason| {
                tracing::debug!(%reason, "access token refused");
                self.invalid_token()
            })?;
            let claims = Arc::new(claims);
            self.0.verified.insert(digest, Arc::clone(&claims));
            claims
        };
        if self.holds(&claims) {
            return Ok(claims);
        }
        Err(if self.is_of_another_account(&claims) { self.other_account() } else { self.invalid_token() })
    }

    /// What is looked at every time, however well the token is known.
    fn holds(&self, claims: &AccessTokenClaims) -> bool {
        let admits = self.0.settings.tenant.as_ref().is_none_or(|tenant| tenant.admits(claims));
        self.is_alive(claims) && self.is_for_this_resource(claims) && admits
    }

    fn is_alive(&self, claims: &AccessTokenClaims) -> bool {
        let Settings { revoked, clock, .. } = &self.0.settings;
        !claims.is_expired(clock.now()) && !revoked.covers(claims)
    }

    /// A token that is good, for another account or for somebody who does not belong to this one.
    fn is_of_another_account(&self, claims: &AccessTokenClaims) -> bool {
        let is_another = |tenant: &Tenant| {
            tenant.is_another_of(&claims.aud) || self.is_for_this_resource(claims) && !tenant.admits(claims)
        };
        self.is_alive(claims) && self.0.settings.tenant.as_ref().is_some_and(is_another)
    }

    /// Exact match (RFC 9068 §4): a prefix, another case or a trailing slash is another resource.
    fn is_for_this_resource(&self, claims: &AccessTokenClaims) -> bool {
        let Settings { resource, accepted_audiences, .. } = &self.0.settings;
        claims.aud == *resource || accepted_audiences.contains(&claims.aud)
    }

    fn invalid_token(&self) -> Challenge {
        Challenge::invalid_token(&self.0.metadata_url, &self.0.settings.scope)
    }

    fn other_account(&self) -> Challenge {
        Challenge::other_account(&self.0.metadata_url)
    }

    pub(crate) fn invalid_request(&self, description: &str) -> Challenge {
        Challenge::invalid_request(&self.0.metadata_url, &self.0.settings.scope, description)
    }
}

#[cfg(test)]
mod tests;
