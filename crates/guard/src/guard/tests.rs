use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

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
        issuers: TrustedIssuers::default(),
        resource: resource("https://gw.test/mcp/demo"),
        announced: None,
        accepted_audiences: vec![resource("https://gw.test/api")],
        tenant: None,
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
    assert!(world.check_token(&world.token(|claims| claims.aud = resource("https://gw.test/api"))).is_ok());
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
        let challenge = world.check_token(&world.token(|claims| claims.aud = resource(other))).unwrap_err();
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
    let (one, two) = (world.token(|_| {}), world.token(|claims| claims.jti = JwtId::from_unverified("j2")));
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
fn what_is_worked_out_of_a_token_is_kept_when_it_is_used_again() {
    let world = world();
    let token = world.token(|_| {});
    let count = AtomicUsize::new(0);
    let make = |permit: &Permit| {
        count.fetch_add(1, Ordering::Relaxed);
        permit.subject().to_owned()
    };
    let permit = world.check_token(&token).unwrap();
    let renewed = world.guard.renew(&permit).unwrap();
    let again = world.check_token(&token).unwrap();
    for (permit, made) in [(&permit, 1), (&again, 2), (&renewed, 2), (&permit, 2)] {
        assert_eq!((permit.derived(make).as_str(), count.load(Ordering::Relaxed)), (permit.subject(), made));
    }
    assert_eq!((permit.derived(|_| 7), permit.derived(|_| 8)), (7, 8), "there is room for one type");
    let another = world.check_token(&world.token(|claims| claims.sub = "user_2".into())).unwrap();
    assert_eq!(another.derived(make), "user_2");
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
fn gw_25_the_token_decides_the_account() {
    let world = world();
    let settings = |users: &[&str]| Settings {
        issuer: Issuer::parse("https://gw.test").unwrap(),
        issuers: TrustedIssuers::default(),
        resource: resource("https://gw.test/accounts/1/custom/n/id/a/mcp"),
        announced: None,
        accepted_audiences: Vec::new(),
        tenant: Some(Tenant {
            all: "https://gw.test/accounts/".to_owned(),
            own: "https://gw.test/accounts/1/".to_owned(),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            clients: ["c1".to_owned()].into(),
        }),
        is_primary: true,
        name: None,
        scope: Scope::default(),
        keys: world.guard.0.settings.keys.clone(),
        revoked: world.revoked.clone(),
        clock: world.clock.clone(),
    };
    let check = |users: &[&str], aud: &str, sub: &str, name: Option<&str>| {
        let token = world.token(|claims| {
            claims.aud = resource(aud);
            claims.sub = sub.to_owned();
            claims.preferred_username = name.map(str::to_owned);
        });
        let authorization = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, authorization)]);
        let uri = Uri::from_static("/accounts/1/custom/n/id/a/mcp");
        Guard::new(settings(users))
            .check(&headers, &uri)
            .map_or_else(|error| error.status().as_u16(), |_| 200)
    };
    let own = "https://gw.test/accounts/1/custom/n/id/a/mcp";
    assert_eq!(check(&["ada"], own, "user_1", Some("ada")), 200);
    assert_eq!(check(&["bob"], own, "user_1", Some("ada")), 403, "not of the account");
    assert_eq!(check(&[], own, "c1", None), 200, "a client of the account");
    assert_eq!(check(&[], own, "c2", None), 403, "another subject than the client");
    for (aud, status) in [
        ("https://gw.test/accounts/2/custom/n/id/a/mcp", 403),
        ("https://gw.test/accounts/11/custom/n/id/a/mcp", 403),
        ("https://gw.test/accounts/1/custom/n/id/b/mcp", 401),
        ("https://gw.test/mcp/demo", 401),
    ] {
        assert_eq!(check(&["ada"], aud, "user_1", Some("ada")), status, "{aud}");
    }
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
