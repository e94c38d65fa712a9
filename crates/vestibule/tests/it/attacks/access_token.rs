//! TK-29 to TK-38: what a resource must not take for an access token.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, header};
use hyper::body::Bytes;
use oauth::jws::SigningKey;
use serde_json::{Value, json};

use super::{
    expect,
    forger::{self, Forger, assemble},
    world::{Tokens, World},
};
use crate::http_client;

const RESOURCES: [&str; 3] = ["/mcp/demo", "/mcp/v1", "/api/user/profile"];

/// A world with a token that works, its claims, and the key that signed it.
struct Stolen {
    world: World,
    token: String,
    claims: Value,
    forger: Forger,
}

async fn stolen() -> Stolen {
    let world = World::shared();
    let client = world.public_client().await;
    let Tokens { access: token, .. } = world.tokens(&client).await;
    assert!(world.is_accepted(&token).await);
    let (claims, forger) = (forger::claims(&token), Forger::of(&world).await);
    let again = forger.sign("at+jwt", &claims);
    assert!(world.is_accepted(&again).await, "the forger can forge");
    Stolen { world, token, claims, forger }
}

impl Stolen {
    async fn is_refused(&self, row: &str, token: &str) {
        for path in RESOURCES {
            let answer = self.world.call(path, &format!("Bearer {token}")).await;
            assert_eq!(answer.status, 401, "{row} at {path}");
            expect::challenge(&answer, 401, Some("invalid_token"));
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(token.len() < 20 || !body.contains(token), "{row}: the answer repeats the token");
        }
    }

    fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims.clone();
        claims[name] = value;
        claims
    }
}

#[tokio::test]
async fn tk_29_no_algorithm_and_no_signature() {
    let stolen = stolen().await;
    let (kid, claims) = (stolen.forger.kid(), &stolen.claims);
    for algorithm in
        ["none", "None", "nOnE", "NONE", "", "ES256 ", "es256", "ES384", "RS256", "PS256", "EdDSA"]
    {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
        stolen.is_refused(algorithm, &assemble(&header, claims, b"")).await;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(stolen.token.rsplit('.').next().unwrap_or_default());
        let signature = signature.expect("a signature is base64url");
        stolen.is_refused(algorithm, &assemble(&header, claims, &signature)).await;
    }
    let parts: Vec<_> = stolen.token.split('.').collect();
    for broken in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}..{}", parts[0], parts[2]),
        format!(".{}.{}", parts[1], parts[2]),
        format!("{}.", stolen.token),
        format!("{}.x", stolen.token),
        format!("{}=", stolen.token),
        format!("{} ", stolen.token.replace('.', " . ")),
        parts[1].to_owned(),
        "...".to_owned(),
        ".".repeat(4_000),
        "a".repeat(20_000),
        stolen.token.to_uppercase(),
    ] {
        stolen.is_refused("broken", &broken).await;
    }
}

#[tokio::test]
async fn tk_30_the_public_key_is_no_shared_secret() {
    let stolen = stolen().await;
    let jwk = stolen.forger.jwk();
    let coordinate = |name: &str| {
        let text = jwk[name].as_str().expect("a point has coordinates");
        BASE64_URL_SAFE_NO_PAD.decode(text).expect("coordinates are base64url")
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    for algorithm in ["HS256", "HS384", "ES256"] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{}"}}"#, stolen.forger.kid());
        for secret in [jwk.to_string().as_bytes(), &point, b"", b"secret", stolen.forger.kid().as_bytes()] {
            let forged = forger::with_hmac(&header, &stolen.claims, secret);
            stolen.is_refused(algorithm, &forged).await;
        }
    }
}

#[tokio::test]
async fn tk_31_the_header_chooses_no_key() {
    let stolen = stolen().await;
    let (own, _) = SigningKey::generate();
    let own_jwk = serde_json::to_string(own.jwk()).expect("a key is JSON");
    let sign = |typ: &str| own.sign(typ, stolen.claims.to_string().as_bytes());
    for members in [
        format!(r#"at+jwt","jwk":{own_jwk},"x":""#),
        r#"at+jwt","jku":"http://127.0.0.1:9/jwks","x":""#.to_owned(),
        r#"at+jwt","x5u":"http://127.0.0.1:9/x5u","x":""#.to_owned(),
        r#"at+jwt","x5c":["MIIB"],"x":""#.to_owned(),
    ] {
        stolen.is_refused(&members, &sign(&members)).await;
    }
    let signed = sign("at+jwt");
    let (_, rest) = signed.split_once('.').expect("a token has parts");
    for kid in ["../../dev/null", "' OR 1=1--", "\\u0000", "", &"x".repeat(10_000), stolen.forger.kid()] {
        let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
        let forged = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(&header));
        stolen.is_refused(kid, &forged).await;
    }
    // Properly signed by our own key, but with what must be understood and is not.
    for members in [
        r#"at+jwt","crit":["x"],"x":""#,
        r#"at+jwt","crit":["exp"],"exp":1,"x":""#,
        r#"at+jwt","crit":[],"x":""#,
        r#"at+jwt","b64":false,"crit":["b64"],"x":""#,
        r#"at+jwt","zip":"DEF","x":""#,
        r#"at+jwt","typ":"at+jwt","x":""#,
        r#"at+jwt","alg":"none","x":""#,
    ] {
        stolen.is_refused(members, &stolen.forger.sign(members, &stolen.claims)).await;
    }
}

#[tokio::test]
async fn tk_33_degenerate_signatures() {
    let stolen = stolen().await;
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, stolen.forger.kid());
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let one = [&[0_u8; 31][..], &[1]].concat();
    let der = [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01];
    for signature in [
        vec![0; 64],
        [&order[..], &order[..]].concat(),
        [&[0; 32][..], &one].concat(),
        [&one[..], &[0; 32]].concat(),
        [&one[..], &one].concat(),
        vec![0xff; 64],
        der.to_vec(),
        vec![0; 63],
        vec![0; 65],
    ] {
        stolen.is_refused(&format!("{signature:?}"), &assemble(&header, &stolen.claims, &signature)).await;
    }
}

#[tokio::test]
async fn tk_34_what_we_signed_for_something_else_is_no_access_token() {
    let stolen = stolen().await;
    for typ in [
        "JWT",
        "jwt",
        "",
        "at",
        "AT+JWT ",
        "id+jwt",
        "oauth-id-jag+jwt",
        "dpop+jwt",
        "client-authentication+jwt",
        "logout+jwt",
        "application/jwt",
        "token-introspection+jwt",
    ] {
        stolen.is_refused(typ, &stolen.forger.sign(typ, &stolen.claims)).await;
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        let mut claims = stolen.claims.clone();
        claims.as_object_mut().expect("claims are an object").remove(name);
        stolen.is_refused(name, &stolen.forger.sign("at+jwt", &claims)).await;
        for value in [json!(null), json!([]), json!({}), json!(true), json!(1e300), json!(["x"])] {
            let claims = stolen.with(name, value.clone());
            stolen.is_refused(&format!("{name} {value}"), &stolen.forger.sign("at+jwt", &claims)).await;
        }
    }
    for (name, value) in [
        ("exp", json!(1)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(stolen.claims["iat"])),
        ("iat", json!(9_999_999_999_i64)),
    ] {
        stolen.is_refused(name, &stolen.forger.sign("at+jwt", &stolen.with(name, value))).await;
    }
    let text = stolen.claims.to_string();
    for odd in [
        text.replacen('{', r#"{"scope":"read write admin","#, 1),
        text.replacen('{', r#"{"s\u0063ope":"read write admin","#, 1),
        text.replacen("http", "\u{0}http", 1),
        format!("{text}x"),
        format!("[{text}]"),
        text[..text.len() - 1].to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        stolen.is_refused(&odd, &stolen.forger.sign_text("at+jwt", &odd)).await;
    }
}

#[tokio::test]
async fn tk_35_a_token_for_another_resource() {
    let stolen = stolen().await;
    let own = stolen.claims["aud"].as_str().expect("a token has one audience").to_owned();
    for other in [
        json!(format!("{own}-evil")),
        json!(format!("{own}/")),
        json!(format!("{own}?x=1")),
        json!(own.replace("/mcp/demo", "/MCP/demo")),
        json!(own.replace("/mcp/demo", "/mcp")),
        json!(own.replace("/mcp/demo", "")),
        json!(own.replace("http:", "https:")),
        json!(own.replace("127.0.0.1", "localhost")),
        json!("https://other.test/mcp/demo"),
        json!([own, "https://other.test/mcp"]),
        json!([own]),
        json!("*"),
        json!(""),
    ] {
        let token = stolen.forger.sign("at+jwt", &stolen.with("aud", other.clone()));
        stolen.is_refused(&other.to_string(), &token).await;
    }
}

#[tokio::test]
async fn tk_37_a_token_of_another_issuer() {
    let stolen = stolen().await;
    let own = stolen.world.issuer().to_owned();
    for other in [
        "https://other.test".to_owned(),
        format!("{own}/"),
        format!("{own}.evil.test"),
        own.replace("127.0.0.1", "localhost"),
        own.to_uppercase(),
    ] {
        let token = stolen.forger.sign("at+jwt", &stolen.with("iss", json!(other)));
        stolen.is_refused(&other, &token).await;
    }
    let (foreign, _) = SigningKey::generate();
    let token = foreign.sign("at+jwt", stolen.claims.to_string().as_bytes());
    stolen.is_refused("another key", &token).await;
}

#[tokio::test]
async fn tk_38_a_token_belongs_into_one_header() {
    let stolen = stolen().await;
    let (world, token) = (&stolen.world, &stolen.token);
    for path in RESOURCES {
        for query in [format!("?access_token={token}"), format!("?x=1&access_token={token}")] {
            let answer = world.get(&format!("{path}{query}")).await;
            expect::challenge(&answer, 400, Some("invalid_request"));
            let answer = world.call(&format!("{path}{query}"), &format!("Bearer {token}")).await;
            expect::challenge(&answer, 400, Some("invalid_request"));
        }
        for unread in
            [format!("?Access_Token={token}"), format!("?access%5ftoken={token}"), format!("?token={token}")]
        {
            expect::challenge(&world.get(&format!("{path}{unread}")).await, 401, None);
        }
        let answer = world.send(http_client::form(path, &[("access_token", token)])).await;
        expect::challenge(&answer, 401, None);
        let cookie =
            Request::get(path).header(header::COOKIE, format!("access_token={token}; Bearer={token}"));
        let answer = world.send(cookie.body(Bytes::new()).expect("the request is valid")).await;
        expect::challenge(&answer, 401, None);
        let two = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::AUTHORIZATION, "Basic eDp5");
        let answer = world.send(two.body(Bytes::new()).expect("the request is valid")).await;
        expect::challenge(&answer, 400, Some("invalid_request"));
        for (value, error) in [
            (format!("Bearer  {token}"), Some("invalid_token")),
            (format!("Bearer {token},{token}"), Some("invalid_token")),
            (format!("Bearer \"{token}\""), Some("invalid_token")),
            (format!("Bearer token=\"{token}\""), Some("invalid_token")),
            ("Bearer ".to_owned(), None),
            ("Bearer".to_owned(), None),
            (token.clone(), None),
            (format!("Basic {token}"), None),
            (format!("DPoP {token}"), None),
            (format!("Bearer\t{token}"), None),
            (format!("BearerX {token}"), None),
        ] {
            let answer = world.call(path, &value).await;
            assert_eq!(answer.status, 401, "{value}");
            expect::challenge(&answer, 401, error);
        }
        for name in
            ["x-access-token", "proxy-authorization", "x-forwarded-authorization", "x-user", "x-remote-user"]
        {
            let request = Request::get(path).header(name, format!("Bearer {token}"));
            let answer = world.send(request.body(Bytes::new()).expect("the request is valid")).await;
            expect::challenge(&answer, 401, None);
        }
    }
    let mut binary = Request::get("/mcp/demo").body(Bytes::new()).expect("the request is valid");
    let value = HeaderValue::from_bytes(b"Bearer \xff\xfe").expect("a header may have such bytes");
    binary.headers_mut().insert(header::AUTHORIZATION, value);
    expect::challenge(&world.send(binary).await, 401, Some("invalid_token"));
}
