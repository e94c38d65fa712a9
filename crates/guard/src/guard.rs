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

use crate::{Challenge, Keys, Permit, RevokedTokens};

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
    /// The [`Challenge`] to answer with: 401 without a valid token, 400 when the token is presented in a way
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
        if self.holds(&claims) { Ok(claims) } else { Err(self.invalid_token()) }
    }

    /// What is looked at every time, however well the token is known.
    fn holds(&self, claims: &AccessTokenClaims) -> bool {
        let Settings { revoked, clock, .. } = &self.0.settings;
        !claims.is_expired(clock.now()) && self.is_for_this_resource(claims) && !revoked.covers(claims)
    }

    /// Exact match (RFC 9068 §4): a prefix, another case or a trailing slash is another resource.
    fn is_for_this_resource(&self, claims: &AccessTokenClaims) -> bool {
        let Settings { resource, accepted_audiences, .. } = &self.0.settings;
        claims.aud == *resource || accepted_audiences.contains(&claims.aud)
    }

    fn invalid_token(&self) -> Challenge {
        Challenge::invalid_token(&self.0.metadata_url, &self.0.settings.scope)
    }

    fn invalid_request(&self, description: &str) -> Challenge {
        Challenge::invalid_request(&self.0.metadata_url, &self.0.settings.scope, description)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use http::HeaderValue;
    use oauth::{ClientId, GrantId, JwtId, Timestamp, jwk::JwkSet, jws::SigningKey};

    use super::*;

    struct Settable(AtomicI64);
    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
        }
    }

    struct World {
        key: SigningKey,
        clock: Arc<Settable>,
        revoked: RevokedTokens,
        guard: Guard,
    }

    fn resource(text: &str) -> ResourceIndicator {
        ResourceIndicator::parse(text).unwrap()
    }

    fn world() -> World {
        let (key, _) = SigningKey::generate();
        let keys = Keys::default();
        keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
        let clock = Arc::new(Settable(AtomicI64::new(1_800_000_000)));
        let revoked = RevokedTokens::default();
        let guard = Guard::new(Settings {
            issuer: Issuer::parse("https://gw.test").unwrap(),
            resource: resource("https://gw.test/mcp/demo"),
            announced: None,
            accepted_audiences: vec![resource("https://gw.test/api")],
            is_primary: true,
            name: None,
            scope: Scope::parse("read").unwrap(),
            keys,
            revoked: revoked.clone(),
            clock: clock.clone(),
        });
        World { key, clock, revoked, guard }
    }

    impl World {
        fn token(&self, change: impl FnOnce(&mut AccessTokenClaims)) -> String {
            let now = self.clock.now().seconds();
            let mut claims = AccessTokenClaims {
                iss: Issuer::parse("https://gw.test").unwrap(),
                sub: "user_1".into(),
                aud: resource("https://gw.test/mcp/demo"),
                exp: now + 600,
                iat: now,
                jti: JwtId::from_unverified("j1"),
                client_id: ClientId::from_unverified("c1"),
                scope: Scope::parse("read write").unwrap(),
                grant_id: Some(GrantId::from_unverified("g1")),
                preferred_username: Some("ada".into()),
                roles: Vec::new(),
                groups: Vec::new(),
            };
            change(&mut claims);
            claims.sign(&self.key).expose().clone()
        }

        fn check(&self, authorization: &[&str]) -> Result<Permit, Challenge> {
            let mut headers = HeaderMap::new();
            for value in authorization {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            self.guard.check(&headers, &Uri::from_static("/mcp/demo"))
        }

        fn check_token(&self, token: &str) -> Result<Permit, Challenge> {
            self.check(&[&format!("Bearer {token}")])
        }
    }

    #[test]
    fn a_valid_token_gives_a_permit() {
        let world = world();
        let permit = world.check_token(&world.token(|_| {})).unwrap();
        assert_eq!(
            (permit.subject(), permit.client_id().as_str(), permit.user_name()),
            ("user_1", "c1", Some("ada"))
        );
        assert!(
            world.check_token(&world.token(|claims| claims.aud = resource("https://gw.test/api"))).is_ok()
        );
        assert!(world.check(&[&format!("bearer {}", world.token(|_| {}))]).is_ok(), "the scheme has no case");
    }

    #[test]
    fn tk_35_only_the_exact_audience() {
        let world = world();
        for other in [
            "https://gw.test/mcp/demo-evil",
            "https://gw.test/mcp/demo/",
            "https://gw.test/MCP/demo",
            "https://gw.test",
            "https://other.test/mcp/demo",
        ] {
            let challenge =
                world.check_token(&world.token(|claims| claims.aud = resource(other))).unwrap_err();
            assert_eq!(challenge.status(), 401, "{other}");
        }
    }

    #[test]
    fn tk_37_a_subject_belongs_to_its_issuer() {
        let world = world();
        let token = world.token(|claims| claims.iss = Issuer::parse("https://other.test").unwrap());
        assert_eq!(world.check_token(&token).unwrap_err().status(), 401);
    }

    #[test]
    fn tk_38_one_header_and_never_the_url() {
        let world = world();
        let token = world.token(|_| {});
        let bearer = format!("Bearer {token}");
        assert_eq!(world.check(&[&bearer, &bearer]).unwrap_err().status(), 400);
        assert_eq!(world.check(&[&format!("Bearer  {token}")]).unwrap_err().status(), 401);
        assert_eq!(world.check(&[&format!("Basic {token}")]).unwrap_err().status(), 401);
        let uri: Uri = format!("/mcp/demo?access_token={token}").parse().unwrap();
        assert_eq!(world.guard.check(&HeaderMap::new(), &uri).unwrap_err().status(), 400);
    }

    #[test]
    fn a_remembered_token_still_expires_and_is_revoked() {
        let world = world();
        let (one, two) =
            (world.token(|_| {}), world.token(|claims| claims.jti = JwtId::from_unverified("j2")));
        assert!(world.check_token(&one).is_ok() && world.check_token(&two).is_ok());
        let until = world.clock.now() + std::time::Duration::from_mins(10);
        world.revoked.revoke_token(JwtId::from_unverified("j2"), until);
        assert!(world.check_token(&one).is_ok() && world.check_token(&two).is_err());
        world.revoked.revoke_grant(GrantId::from_unverified("g1"), until);
        assert!(world.check_token(&one).is_err());
        let other_grant = world.token(|claims| claims.grant_id = Some(GrantId::from_unverified("g2")));
        assert!(world.check_token(&other_grant).is_ok());
        world.clock.0.fetch_add(600, Ordering::Relaxed);
        assert!(world.check_token(&other_grant).is_err());
    }

    #[test]
    fn a_permit_is_renewed_for_as_long_as_its_token_holds() {
        let world = world();
        let permit = world.check_token(&world.token(|_| {})).unwrap();
        let renewed = world.guard.renew(&permit).unwrap();
        assert_eq!((renewed.subject(), renewed.expires_at()), (permit.subject(), permit.expires_at()));
        let until = world.clock.now() + std::time::Duration::from_mins(10);
        world.revoked.revoke_grant(GrantId::from_unverified("g1"), until);
        assert!(world.guard.renew(&permit).is_none(), "revoked");
        let other = world.token(|claims| claims.grant_id = None);
        let permit = world.check_token(&other).unwrap();
        world.clock.0.fetch_add(600, Ordering::Relaxed);
        assert!(world.guard.renew(&permit).is_none(), "expired");
    }

    #[test]
    fn gw_01_challenges_say_where_to_go() {
        let world = world();
        let missing = format!("{:?}", world.check(&[]).unwrap_err());
        assert!(
            missing.contains(
                "resource_metadata=\\\"https://gw.test/.well-known/oauth-protected-resource/mcp/demo\\\""
            ),
            "{missing}"
        );
        assert!(missing.contains("scope=\\\"read\\\"") && !missing.contains("error="), "{missing}");
        let invalid = format!("{:?}", world.check_token("x.y.z").unwrap_err());
        assert!(invalid.contains("error=\\\"invalid_token\\\""), "{invalid}");
    }
}
