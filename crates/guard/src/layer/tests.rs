use axum::{Extension, Router, routing::any};
use http::{Request, header};
use oauth::{
    ClientId, Clock, Issuer, JwtId, ResourceIndicator, Timestamp, access_token::AccessTokenClaims,
    jwk::JwkSet, jws::SigningKey,
};
use tower::ServiceExt as _;

use super::*;
use crate::{Keys, Settings};

const RESOURCE: &str = "https://notes.test/mcp";

struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

/// A service behind the layer that says what it sees.
struct World {
    key: SigningKey,
    service: Router,
}

fn world() -> World {
    let (key, _) = SigningKey::generate();
    let keys = Keys::default();
    keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
    let resource = ResourceIndicator::parse(RESOURCE).unwrap();
    let issuer = Issuer::parse("https://issuer.test").unwrap();
    let guard = Guard::new(Settings {
        scope: scope("read"),
        ..Settings::new(issuer, resource, keys, Arc::new(Fixed))
    });
    let layer = GuardLayer::new(&guard)
        .needs(scope("read"))
        .tool_needs("forget", scope("write"))
        .with_origin("https://app.test");
    let seen = async |Extension(permit): Extension<Arc<Permit>>, request: Request<Body>| {
        let has_token = request.headers().contains_key(header::AUTHORIZATION);
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
        format!("{} {has_token} {}", permit.subject(), String::from_utf8_lossy(&body))
    };
    World { key, service: Router::new().route("/mcp", any(seen)).layer(layer) }
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

struct Seen {
    status: u16,
    challenge: String,
    origin: Option<String>,
    body: String,
}

impl World {
    fn token(&self, audience: &str, granted: &str) -> String {
        let now = Fixed.now().seconds();
        let claims = AccessTokenClaims {
            iss: Issuer::parse("https://issuer.test").unwrap(),
            sub: "user_1".into(),
            aud: ResourceIndicator::parse(audience).unwrap(),
            exp: now + 600,
            iat: now,
            jti: JwtId::from_unverified("j1"),
            client_id: ClientId::from_unverified("c1"),
            scope: scope(granted),
            grant_id: None,
            preferred_username: None,
            roles: Vec::new(),
            groups: Vec::new(),
        };
        format!("Bearer {}", claims.sign(&self.key).expose())
    }

    async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        let mut request = Request::builder().method(method).uri("/mcp");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Seen {
            status: parts.status.as_u16(),
            challenge: text(header::WWW_AUTHENTICATE).unwrap_or_default(),
            origin: text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            body: String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().into()).unwrap(),
        }
    }

    /// As a client that is where it should be.
    async fn post(&self, authorization: &str, body: &str) -> Seen {
        self.send("POST", &[("host", "notes.test"), ("authorization", authorization)], body).await
    }
}

#[tokio::test]
async fn the_service_sees_the_permit_and_no_token() {
    let world = world();
    let seen = world.post(&world.token(RESOURCE, "read"), &call("list")).await;
    assert_eq!((seen.status, seen.body), (200, format!("user_1 false {}", call("list"))));
}

#[tokio::test]
async fn gw_01_every_method_asks_for_a_token() {
    let world = world();
    for method in ["GET", "POST", "DELETE", "OPTIONS", "HEAD"] {
        let seen = world.send(method, &[("host", "notes.test")], &call("list")).await;
        assert_eq!(seen.status, 401, "{method}");
        let metadata = "resource_metadata=\"https://notes.test/.well-known/oauth-protected-resource/mcp\"";
        assert!(seen.challenge.contains(metadata), "{}", seen.challenge);
        assert!(seen.challenge.contains("scope=\"read\""), "{}", seen.challenge);
    }
    for authorization in ["Bearer x.y.z", &world.token("https://other.test/mcp", "read")] {
        let seen = world.post(authorization, &call("list")).await;
        assert_eq!(seen.status, 401);
        assert!(seen.challenge.contains("error=\"invalid_token\""), "{}", seen.challenge);
    }
}

#[tokio::test]
async fn gw_02_only_known_origins_may_ask() {
    let world = world();
    let token = world.token(RESOURCE, "read");
    for (origin, status) in [
        ("https://app.test", 200),
        ("https://notes.test", 200),
        ("https://evil.test", 403),
        ("null", 403),
        ("https://app.test.evil", 403),
    ] {
        let headers = [("host", "notes.test"), ("origin", origin), ("authorization", &token)];
        let seen = world.send("POST", &headers, &call("list")).await;
        assert_eq!(seen.status, status, "{origin}");
        assert_eq!(seen.origin.as_deref(), (status == 200).then_some(origin));
        let without_token = world.send("POST", &headers[..2], &call("list")).await;
        assert_eq!(without_token.status, if status == 200 { 401 } else { 403 }, "before any work: {origin}");
        let preflight = [headers[0], headers[1], ("access-control-request-method", "POST")];
        let seen = world.send("OPTIONS", &preflight, "").await;
        assert_eq!(seen.status, if status == 200 { 204 } else { 403 }, "{origin}");
    }
}

#[tokio::test]
async fn gw_03_only_the_resources_own_host() {
    let world = world();
    let token = world.token(RESOURCE, "read");
    for (hosts, status) in [
        (&["notes.test"][..], 200),
        (&["notes.test:443"], 200),
        (&["attacker.test"], 403),
        (&["localhost"], 403),
        (&["notes.test.evil"], 403),
        (&["notes.test", "notes.test"], 403),
        (&[], 403),
    ] {
        let mut headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        headers.push(("authorization", &token));
        assert_eq!(world.send("POST", &headers, &call("list")).await.status, status, "{hosts:?}");
    }
}

#[tokio::test]
async fn gw_26_a_missing_scope_is_named_and_nothing_is_called() {
    let world = world();
    for (granted, tool, needed) in [
        ("read", "list", None),
        ("read", "forget", Some("read write")),
        ("write", "list", Some("read")),
        ("read write", "forget", None),
    ] {
        let seen = world.post(&world.token(RESOURCE, granted), &call(tool)).await;
        let Some(needed) = needed else {
            assert_eq!(seen.status, 200, "{granted} {tool}");
            continue;
        };
        assert_eq!(seen.status, 403, "{granted} {tool}");
        assert!(seen.challenge.contains("error=\"insufficient_scope\""), "{}", seen.challenge);
        assert!(seen.challenge.contains(&format!("scope=\"{needed}\"")), "{}", seen.challenge);
        assert!(seen.challenge.contains("resource_metadata="), "{}", seen.challenge);
        assert!(!seen.body.contains("user_1"), "the service was not asked");
    }
}

#[tokio::test]
async fn gw_11_a_call_that_can_be_read_in_two_ways_reaches_nobody() {
    let world = world();
    let token = world.token(RESOURCE, "read");
    for params in [
        r#"{"name":"list","name":"forget"}"#,
        r#"{"name":"list","Name":"forget"}"#,
        r#"{"name":"list","\u006eame":"forget"}"#,
        r#"{"name":["forget"]}"#,
        "{}",
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        assert_eq!(world.post(&token, &body).await.status, 400, "{params}");
    }
    let batch = format!("[{}]", call("forget"));
    assert_eq!(world.post(&token, &batch).await.status, 400);
    let twice = call("forget").replacen('{', r#"{"method":"ping","#, 1);
    assert_eq!(world.post(&token, &twice).await.status, 400);
    let huge = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(MAXIMUM_BODY));
    assert_eq!(world.post(&token, &huge).await.status, 413);
}
