use http::{HeaderName, HeaderValue, Request, request::Parts};
use oauth::Timestamp;
use secret::Secret;

use super::*;

/// What `mcp-proxy-for-aws` 1.7.0 sent at 2026-11-20T19:35:03Z with the secret `s`, byte by byte.
const BODY: &str = r#"{"method": "tools/call", "params": {"name": "t", "arguments": {}, "_meta": {"AWS_REGION": "us-east-1", "progressToken": 2}}, "jsonrpc": "2.0", "id": 2}"#;
const CREDENTIAL: &str = "AKIDEXAMPLE/20261120/us-east-1/vestibule/aws4_request";
const SIGNED: &str =
    "accept;accept-encoding;content-length;content-type;host;mcp-protocol-version;mcp-session-id;x-amz-date";
const SIGNATURE: &str = "f5f494433ae6581ca68b7fdac826f83ba6f1bdd1fb816cf16d158c0f996dd02d";
const NOW: Timestamp = Timestamp::from_seconds(1_795_203_303);

fn authorization(credential: &str, signed: &str, signature: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}")
}

fn recorded() -> Parts {
    let request = Request::post("/mcp/demo")
        .header("host", "127.0.0.1:8799")
        .header("connection", "keep-alive")
        .header("accept-encoding", "gzip, deflate")
        .header("user-agent", "python-httpx/0.28.1 mcp-proxy-for-aws/1.7.0 mcp/0.1.0")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-session-id", "s1")
        .header("mcp-protocol-version", "2025-11-25")
        .header("content-length", "151")
        .header("x-amz-date", "20261120T193503Z")
        .header("authorization", authorization(CREDENTIAL, SIGNED, SIGNATURE));
    request.body(()).unwrap().into_parts().0
}

fn scope() -> CredentialScope {
    CredentialScope { region: "us-east-1".to_owned(), service: "vestibule".to_owned() }
}

fn verify(
    parts: &Parts,
    body: &str,
    secret: &str,
    now: Timestamp,
) -> Result<VerifiedSignature, SignatureError> {
    let scope = scope();
    UnverifiedSignature::read(parts, "/mcp/demo", &scope, now)?.verify(body.as_bytes(), &Secret::from(secret))
}

#[track_caller]
fn check(change: impl FnOnce(&mut Parts), expect: SignatureError) {
    let mut parts = recorded();
    change(&mut parts);
    assert!(is_signed(&parts.headers));
    assert_eq!(verify(&parts, BODY, "s", NOW).err(), Some(expect));
}

fn set(parts: &mut Parts, name: &'static str, value: &str) {
    parts.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn add(parts: &mut Parts, name: &'static str, value: &str) {
    parts.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

#[test]
fn what_the_real_client_signs_verifies() {
    let verified = verify(&recorded(), BODY, "s", NOW).unwrap();
    assert_eq!(verified.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(verified.expires_at(), NOW + TOLERANCE + std::time::Duration::from_secs(1));
    // In HTTP/2 the host is the authority.
    let mut parts = recorded();
    parts.headers.remove("host");
    parts.uri = "http://127.0.0.1:8799/mcp/demo".parse().unwrap();
    assert_eq!(verify(&parts, BODY, "s", NOW).unwrap().digest(), verified.digest());
    // What is not signed may change on the way.
    let mut parts = recorded();
    set(&mut parts, "user-agent", "another");
    add(&mut parts, "x-forwarded-for", "192.0.2.1");
    assert!(verify(&parts, BODY, "s", NOW).is_ok());
}

#[test]
fn sg_03_another_body_or_request_is_another_signature() {
    for body in ["", &BODY.replace("\"t\"", "\"u\""), &format!("{BODY} ")] {
        assert_eq!(verify(&recorded(), body, "s", NOW).unwrap_err(), SignatureError::Mismatch, "{body}");
    }
    assert_eq!(verify(&recorded(), BODY, "t", NOW).unwrap_err(), SignatureError::Mismatch);
    check(|parts| parts.method = http::Method::PUT, SignatureError::Mismatch);
    for (name, value) in [
        ("host", "127.0.0.1:8800"),
        ("accept", "application/json"),
        ("content-type", "text/plain"),
        ("mcp-session-id", "s2"),
        ("mcp-protocol-version", "2025-06-18"),
        ("x-amz-date", "20261120T193504Z"),
    ] {
        check(|parts| set(parts, name, value), SignatureError::Mismatch);
    }
    let flipped = SIGNATURE.replace('f', "e");
    check(
        |parts| set(parts, "authorization", &authorization(CREDENTIAL, SIGNED, &flipped)),
        SignatureError::Mismatch,
    );
    let other = CREDENTIAL.replace("AKIDEXAMPLE", "AKIDEXAMPLF");
    let parts = {
        let mut parts = recorded();
        set(&mut parts, "authorization", &authorization(&other, SIGNED, SIGNATURE));
        parts
    };
    assert_eq!(
        verify(&parts, BODY, "s", NOW).unwrap().access_key_id(),
        "AKIDEXAMPLF",
        "the id only names the secret"
    );
}

#[test]
fn sg_01_the_scope_is_of_the_day_the_region_and_the_service() {
    let scoped = |credential: &str| {
        let header = authorization(credential, SIGNED, SIGNATURE);
        move |parts: &mut Parts| set(parts, "authorization", &header)
    };
    check(scoped("AKIDEXAMPLE/20261119/us-east-1/vestibule/aws4_request"), SignatureError::ScopeDate);
    check(scoped("AKIDEXAMPLE//us-east-1/vestibule/aws4_request"), SignatureError::ScopeDate);
    let wrong = SignatureError::Scope { region: "us-east-1".to_owned(), service: "vestibule".to_owned() };
    check(scoped("AKIDEXAMPLE/20261120/eu-west-1/vestibule/aws4_request"), wrong.clone());
    check(scoped("AKIDEXAMPLE/20261120/us-east-1/s3/aws4_request"), wrong);
    for credential in [
        "AKIDEXAMPLE/20261120/us-east-1/vestibule/aws5_request",
        "AKIDEXAMPLE/20261120/us-east-1/vestibule/aws4_request/x",
        "AKIDEXAMPLE/20261120/us-east-1/vestibule",
        "/20261120/us-east-1/vestibule/aws4_request",
        "../x/20261120/us-east-1/vestibule/aws4_request",
        "A'B/20261120/us-east-1/vestibule/aws4_request",
    ] {
        check(scoped(credential), SignatureError::Malformed);
    }
}

#[test]
fn sg_02_what_decides_is_signed() {
    let signed = |list: &str| {
        let header = authorization(CREDENTIAL, list, SIGNATURE);
        move |parts: &mut Parts| set(parts, "authorization", &header)
    };
    for name in ["host", "x-amz-date", "content-type", "mcp-session-id", "mcp-protocol-version"] {
        let list: Vec<_> = SIGNED.split(';').filter(|signed| *signed != name).collect();
        check(signed(&list.join(";")), SignatureError::Unsigned(name.to_owned()));
    }
    for name in ["x-amz-target", "mcp-method", "mcp-param-region", "last-event-id", "content-encoding"] {
        check(|parts| add(parts, name, "x"), SignatureError::Unsigned(name.to_owned()));
    }
}

#[test]
fn sg_05_the_clock_is_within_five_minutes() {
    let at = |seconds: i64| verify(&recorded(), BODY, "s", Timestamp::from_seconds(NOW.seconds() + seconds));
    for seconds in [-300, -1, 0, 300] {
        assert!(at(seconds).is_ok(), "{seconds}");
    }
    for seconds in [-301, 301, 86_400, -86_400] {
        assert_eq!(at(seconds).unwrap_err(), SignatureError::Skew, "{seconds}");
    }
    for date in [
        "",
        "20261120T193503",
        "20261120T193503z",
        "2026-11-20T19:35:03Z",
        "20261120T193503+0000",
        "20261120T193503ZZ",
        " 20261120T193503Z",
        "20261320T193503Z",
        "20261120T193560Z",
        "99999999T999999Z",
        "Fri, 20 Nov 2026 19:35:03 GMT",
    ] {
        check(|parts| set(parts, "x-amz-date", date), SignatureError::Date);
    }
    check(|parts| add(parts, "x-amz-date", "20261120T193503Z"), SignatureError::Date);
    check(|parts| drop(parts.headers.remove("x-amz-date")), SignatureError::Date);
}

#[test]
fn sg_06_one_authorization_header_of_one_form() {
    let good = authorization(CREDENTIAL, SIGNED, SIGNATURE);
    check(|parts| add(parts, "authorization", &good), SignatureError::Several);
    check(|parts| add(parts, "authorization", "Bearer x"), SignatureError::Several);
    for wrong in [
        "AWS4-HMAC-SHA256".to_owned(),
        "AWS4-HMAC-SHA256 ".to_owned(),
        "AWS4-HMAC-SHA256-PAYLOAD Credential=x".to_owned(),
        good.replace("AWS4", "aws4"),
        good.replace("Signature=", "signature="),
        good.replace(", ", " "),
        format!("{good}, Signature={SIGNATURE}"),
        format!("{good}0"),
        good.replace(SIGNATURE, &SIGNATURE.to_uppercase()),
        good.replace(SIGNATURE, ""),
        format!("AWS4-HMAC-SHA256 SignedHeaders={SIGNED}, Credential={CREDENTIAL}, Signature={SIGNATURE}"),
    ] {
        check(|parts| set(parts, "authorization", &wrong), SignatureError::Malformed);
    }
    let mut compact = recorded();
    set(&mut compact, "authorization", &good.replace(", ", ","));
    assert!(verify(&compact, BODY, "s", NOW).is_ok(), "the spaces are optional");
    for other in ["Bearer x", "AWS4-ECDSA-P256-SHA256 Credential=x", "Basic x"] {
        let mut parts = recorded();
        set(&mut parts, "authorization", other);
        assert!(!is_signed(&parts.headers), "{other}");
    }
}

#[test]
fn sg_07_a_payload_that_is_not_signed_or_signed_in_pieces() {
    let list = SIGNED.replace(";x-amz-date", ";x-amz-content-sha256;x-amz-date");
    for claimed in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "",
    ] {
        let header = authorization(CREDENTIAL, &list, SIGNATURE);
        check(
            |parts| {
                set(parts, "x-amz-content-sha256", claimed);
                set(parts, "authorization", &header);
            },
            SignatureError::Payload,
        );
        let unsigned = SignatureError::Unsigned("x-amz-content-sha256".to_owned());
        check(|parts| set(parts, "x-amz-content-sha256", claimed), unsigned);
    }
}

#[test]
fn sg_08_headers_are_read_in_one_way() {
    let signed = |list: &str| authorization(CREDENTIAL, list, SIGNATURE);
    for list in [
        "",
        "host;host;x-amz-date",
        "x-amz-date;host",
        "Host;x-amz-date",
        "authorization;host;x-amz-date",
        "host;x-amz-date;x-not-there",
        "host;;x-amz-date",
        ";host;x-amz-date",
    ] {
        let header = signed(list);
        check(|parts| set(parts, "authorization", &header), SignatureError::SignedHeaders);
    }
    for name in ["accept", "content-type", "mcp-session-id", "host"] {
        check(|parts| add(parts, name, "x"), SignatureError::SignedHeaders);
    }
    // Space is trimmed and folded in the canonical form, and nowhere else: the value that is used may then differ.
    let mut folded = recorded();
    set(&mut folded, "accept", "application/json,  text/event-stream");
    assert!(verify(&folded, BODY, "s", NOW).is_ok(), "as AWS says");
    check(|parts| set(parts, "accept", "application/json,text/event-stream"), SignatureError::Mismatch);
}

#[test]
fn sg_09_nothing_but_the_path_of_the_endpoint() {
    for uri in [
        "/mcp/demo?",
        "/mcp/demo?x=1",
        "/mcp/demo?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0",
        "/mcp/demo/",
        "/mcp//demo",
        "/mcp/./demo",
        "/mcp/%64emo",
        "/mcp/other/../demo",
        "/",
    ] {
        check(|parts| parts.uri = uri.parse().unwrap(), SignatureError::Target);
    }
    check(|parts| add(parts, "x-amz-security-token", "x"), SignatureError::SessionToken);
}
