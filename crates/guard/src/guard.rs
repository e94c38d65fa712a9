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

use crate::{
    Challenge, Keys, Permit, RevokedTokens, Tenant, TrustedIssuers,
    external::{ExternalIssuer, Judged, Refused},
    verified::Verified,
};

/// What a guard needs to know of its resource.
pub struct Settings {
    /// Our own issuer, whose tokens are accepted unless `issuers` leaves it out.
    pub issuer: Issuer,
    /// Whose tokens are accepted.
    pub issuers: TrustedIssuers,
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
            issuers: TrustedIssuers::default(),
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
    verified: Cache<Digest, Arc<Verified>>,
    /// What became of tokens of other issuers.
    judged: Cache<Digest, Judged>,
}

/// A signature check costs several times what passing a request on costs, so a token seen before is known by
/// its digest. The bound keeps a flood of tokens from growing memory; the claims' own expiry ends an entry.
const MAXIMUM_REMEMBERED_TOKENS: u64 = 50_000;

impl Guard {
    /// A guard for one resource.
    pub fn new(settings: Settings) -> Self {
        let metadata_url = well_known::protected_resource_url(&settings.resource);
        let verified = Cache::new(MAXIMUM_REMEMBERED_TOKENS);
        let judged = Cache::new(MAXIMUM_REMEMBERED_TOKENS);
        Self(Arc::new(Inner { settings, metadata_url, verified, judged }))
    }

    /// Checks a request by its headers and URI, and asks nobody: a token of another issuer is known when
    /// [`Guard::admit`] has seen it.
    ///
    /// # Errors
    /// The [`Challenge`] to answer with: 401 without a valid token, 403 with one of another account, 400 when the token
    /// is presented in a way that OAuth 2.1 §5.1 forbids.
    pub fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<Permit, Challenge> {
        let token = self.presented(headers, uri)?;
        self.decide(self.known(token).unwrap_or_else(|| self.verify(token)))
    }

    /// Checks a request by its headers and URI. A token that was seen before is checked without waiting, as one of our
    /// own issuer is; for a new one of another issuer, that issuer's keys or the issuer itself may have to be asked.
    ///
    /// # Errors
    /// As [`Guard::check`]; and 503 when nobody can say whether the token is good. It is not 401: that would make
    /// clients throw a good token away, and start an authorization at a server that cannot be reached.
    pub async fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<Permit, Challenge> {
        let token = self.presented(headers, uri)?;
        if let Some(known) = self.known(token) {
            return self.decide(known);
        }
        let Settings { issuers, resource, accepted_audiences, clock, .. } = &self.0.settings;
        let Some(issuer) = issuers.of(token) else { return self.decide(self.verify(token)) };
        let names = [resource].into_iter().chain(accepted_audiences).map(ResourceIndicator::as_str);
        let judged = issuer.judge(token, &names.collect::<Vec<_>>()).await;
        let judged = judged.map_err(|_| Challenge::unavailable())?;
        let claims = judged.claims.clone();
        if judged.until > clock.now() {
            self.0.judged.insert(Digest::of(token.as_bytes()), judged);
        }
        self.decide(claims)
    }

    /// A permit for what still happens under a token that was checked before, on a stream for one: looked at again
    /// as every request's is, and `None` once it has expired, was revoked, or is for another resource.
    pub fn renew(&self, permit: &Permit) -> Option<Permit> {
        let claims = permit.claims();
        self.holds(claims).then(|| self.permit(Arc::clone(claims)))
    }

    /// The answer to a request whose token lacks scope: `needed` names *all* scopes of the operation.
    pub fn insufficient_scope(&self, _permit: &Permit, needed: &Scope) -> Challenge {
        Challenge::insufficient_scope(&self.0.metadata_url, needed)
    }

    /// The resource's metadata (RFC 9728 §2).
    pub fn metadata(&self) -> ProtectedResourceMetadata {
        let Settings { resource, announced, issuer, issuers, scope, name, .. } = &self.0.settings;
        let named = announced.as_ref().unwrap_or(resource);
        let own = issuers.own.then_some(issuer);
        let issuers = own.into_iter().chain(issuers.external.iter().map(ExternalIssuer::issuer));
        ProtectedResourceMetadata::new(named.clone(), issuers.map(Issuer::as_str), scope, name.clone())
    }

    /// The resource that is guarded.
    pub fn resource(&self) -> &ResourceIndicator {
        &self.0.settings.resource
    }

    /// Whether tokens of our own issuer are accepted.
    pub fn trusts_own(&self) -> bool {
        self.0.settings.issuers.own
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

    /// The token of a request, presented as it has to be.
    fn presented<'a>(&self, headers: &'a HeaderMap, uri: &Uri) -> Result<&'a str, Challenge> {
        if uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("access_token="))) {
            let description = "send the access token in the Authorization header, never in the URL";
            return Err(self.invalid_request(description));
        }
        let missing = || Challenge::missing_token(&self.0.metadata_url, &self.0.settings.scope);
        self.bearer_token(headers)?.ok_or_else(missing)
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

    /// What became of a token that was seen before.
    fn known(&self, token: &str) -> Option<Result<Arc<Verified>, Refused>> {
        let digest = Digest::of(token.as_bytes());
        if let Some(claims) = self.0.verified.get(&digest) {
            return Some(Ok(claims));
        }
        let Settings { issuers, clock, .. } = &self.0.settings;
        if issuers.external.is_empty() {
            return None;
        }
        self.0.judged.get(&digest).filter(|judged| judged.until > clock.now()).map(|judged| judged.claims)
    }

    /// A new token of our own issuer.
    fn verify(&self, token: &str) -> Result<Arc<Verified>, Refused> {
        let Settings { issuer, issuers, keys, clock, .. } = &self.0.settings;
        if !issuers.own {
            return Err(Refused);
        }
        let claims = access_token::verify(token, issuer, &keys.load(), clock.now()).map_err(|reason| {
            tracing::debug!(%reason, "access token refused");
            Refused
        })?;
        let claims = Arc::new(Verified::from(claims));
        self.0.verified.insert(Digest::of(token.as_bytes()), Arc::clone(&claims));
        Ok(claims)
    }

    /// The last word on a token whose claims are verified, or that is refused.
    pub(crate) fn decide(&self, claims: Result<Arc<Verified>, Refused>) -> Result<Permit, Challenge> {
        let claims = claims.map_err(|Refused| self.invalid_token())?;
        if self.holds(&claims) {
            return Ok(self.permit(claims));
        }
        Err(if self.is_of_another_account(&claims) { self.other_account() } else { self.invalid_token() })
    }

    fn permit(&self, claims: Arc<Verified>) -> Permit {
        let is_external = claims.iss != self.0.settings.issuer;
        Permit::new(claims, is_external)
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

    fn is_for_this_resource(&self, claims: &AccessTokenClaims) -> bool {
        self.is_called(&claims.aud)
    }

    /// Exact match (RFC 9068 §4): a prefix, another case or a trailing slash is another resource.
    pub(crate) fn is_called(&self, audience: &ResourceIndicator) -> bool {
        let Settings { resource, accepted_audiences, .. } = &self.0.settings;
        audience == resource || accepted_audiences.contains(audience)
    }

    fn invalid_token(&self) -> Challenge {
        Challenge::invalid_token(&self.0.metadata_url, &self.0.settings.scope)
    }

    fn other_account(&self) -> Challenge {
        Challenge::other_account(&self.0.metadata_url)
    }

    /// Our own issuer.
    #[cfg(feature = "signature")]
    pub(crate) fn own_issuer(&self) -> Option<&Issuer> {
        let Settings { issuer, issuers, .. } = &self.0.settings;
        issuers.own.then_some(issuer)
    }

    #[cfg(feature = "signature")]
    pub(crate) fn now(&self) -> oauth::Timestamp {
        self.0.settings.clock.now()
    }

    #[cfg(feature = "signature")]
    pub(crate) fn invalid_signature(&self, description: &str) -> Challenge {
        Challenge::invalid_signature(&self.0.metadata_url, &self.0.settings.scope, description)
    }

    pub(crate) fn invalid_request(&self, description: &str) -> Challenge {
        Challenge::invalid_request(&self.0.metadata_url, &self.0.settings.scope, description)
    }
}

#[cfg(test)]
mod tests;
