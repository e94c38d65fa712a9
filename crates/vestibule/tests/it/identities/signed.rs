//! AWS Signature Version 4: the real `mcp-proxy-for-aws`, and what else can be signed.

use std::{
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderValue, Request};
use hyper::body::Bytes;
use serde_json::Value;

use super::{call, result, vestibule};
use crate::{
    attacks::database::Database,
    canary::search::Canaries,
    clients, http_client,
    http_client::Answer,
    server::{Server, Settings, USERNAME},
};

const PROXY_WITHIN: Duration = Duration::from_mins(1);

/// An access key as `vestibule access-key add --json` prints it.
struct Key(Value);

impl Key {
    fn add(server: &Server, more: &[&str]) -> Self {
        let arguments = ["access-key", "add", "test", "--user", USERNAME, "--scope", "read write", "--json"];
        let output = vestibule(&server.data_directory(), &[&arguments, more].concat());
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    fn id(&self) -> &str {
        self.0["access_key_id"].as_str().unwrap()
    }

    fn secret(&self) -> &str {
        self.0["secret_access_key"].as_str().unwrap()
    }
}

/// A request to sign, and how.
struct Draft<'k> {
    key: &'k Key,
    path: &'static str,
    body: String,
    at: SystemTime,
    region: &'static str,
    secret: String,
    headers: Vec<(&'static str, String)>,
}

impl<'k> Draft<'k> {
    fn of(key: &'k Key, id: u32) -> Self {
        let headers = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "get_user_profile"),
        ];
        Self {
            key,
            path: "/mcp/demo",
            body: call("get_user_profile", id).to_string(),
            at: now(),
            region: "us-east-1",
            secret: key.secret().to_owned(),
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
        }
    }

    fn signed(&self, server: &Server) -> Request<Bytes> {
        let identity = Credentials::new(self.key.id(), &*self.secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("vestibule")
            .time(self.at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = format!("{}{}", server.issuer(), self.path);
        let headers = self.headers.iter().map(|(name, value)| (*name, &**value));
        let body = SignableBody::Bytes(self.body.as_bytes());
        let signable = SignableRequest::new("POST", &url, headers, body).unwrap();
        let mut request = Request::post(self.path).body(Bytes::from(self.body.clone())).unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
        request
    }

    async fn send(&self, server: &Server) -> Answer {
        server.send(self.signed(server)).await
    }
}

/// What a test changes before a request is signed, and what somebody changes after.
type Change = fn(&mut Draft<'_>);
type Tamper = fn(&mut Request<Bytes>);

#[expect(clippy::disallowed_methods, reason = "the server looks at the same clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// What the proxy's client reports, or what it said on stderr.
async fn proxied(server: &Server, key: &Key) -> Result<Value, String> {
    let mut script = tokio::process::Command::new(clients::python_aws());
    script
        .arg(clients::script("python/signed.py"))
        .args([&*server.mcp_url(), "vestibule", "us-east-1"])
        .env("AWS_ACCESS_KEY_ID", key.id())
        .env("AWS_SECRET_ACCESS_KEY", key.secret())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PROXY_WITHIN, script.output()).await.expect("the proxy ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(serde_json::from_slice(&output.stdout).expect(&said)) } else { Err(said) }
}

#[tokio::test]
async fn mcp_proxy_for_aws_lists_tools_and_calls_them() {
    let server = Server::start(&Settings::default());
    let key = Key::add(&server, &["--resource", &server.mcp_url(), "--expires", "1d"]);
    let report = proxied(&server, &key).await.unwrap_or_else(|said| panic!("{said}\n{}", server.log()));
    assert_eq!(report["tools"].as_array().unwrap().len(), 6, "{report}");
    assert_eq!(report["created"][0]["name"], "signed", "{report}");
    assert_ne!(report["created"][0]["id"], report["created"][1]["id"], "{report}");
    assert_eq!(report["profile"]["username"], USERNAME, "{report}");
    assert_eq!(report["profile"]["client_id"], key.id(), "{report}");

    // Every call is in the audit log under the key.
    let deadline = Instant::now() + Duration::from_secs(20);
    let calls = || {
        let log = vestibule(&server.data_directory(), &["audit", "export"]).stdout;
        let lines: Vec<Value> =
            String::from_utf8(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events = lines.into_iter().map(|line| line["entry"]["event"].clone());
        events.filter(|event| event["kind"] == "tool_call").collect::<Vec<_>>()
    };
    while calls().len() < 3 {
        assert!(Instant::now() < deadline, "{:?}", calls());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for event in calls() {
        assert_eq!(event["client_id"], key.id(), "{event}");
        assert_eq!(event["detail"]["grant"], key.id(), "{event}");
        assert_eq!(event["person"]["user_name"], USERNAME, "{event}");
    }
    assert!(!server.log().contains(key.secret()));

    // A removed key ends for the proxy as for everybody.
    vestibule(&server.data_directory(), &["access-key", "remove", key.id()]);
    assert!(proxied(&server, &key).await.is_err());
}

#[tokio::test]
async fn sg_04_the_same_request_is_taken_once_by_all_nodes_and_after_a_restart() {
    let one = Server::start(&Settings::default());
    let public_url = Some(one.issuer().to_owned());
    let data_directory = Some(one.data_directory());
    let settings = Settings { public_url, data_directory, ..Settings::default() };
    let two = Server::start(&settings);
    let key = Key::add(&one, &[]);
    let draft = Draft::of(&key, 1);
    let to = |address: std::net::SocketAddr| {
        let mut request = draft.signed(&one);
        let host = one.address().to_string().parse().unwrap();
        request.headers_mut().insert("host", host);
        http_client::send(address, request)
    };
    let answer = to(one.address()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for address in [one.address(), two.address()] {
        let again = to(address).await;
        assert_eq!(again.status, 401, "{again:?}");
        assert!(again.json()["error_description"].as_str().unwrap().contains("came before"), "{again:?}");
    }
    drop(two);
    let restarted = Server::start(&settings);
    assert_eq!(to(restarted.address()).await.status, 401);
    let next = Draft { at: draft.at + Duration::from_secs(1), ..Draft::of(&key, 1) };
    let mut next = next.signed(&one);
    next.headers_mut().insert("host", one.address().to_string().parse().unwrap());
    assert_eq!(
        http_client::send(restarted.address(), next).await.status,
        200,
        "signed anew it is another one"
    );
}

#[tokio::test]
async fn sg_what_is_refused() {
    let server = Server::start(&Settings::default());
    let key = Key::add(&server, &[]);
    let answer = Draft::of(&key, 1).send(&server).await;
    assert_eq!((answer.status.as_u16(), &result(&answer)["username"]), (200, &Value::from(USERNAME)));

    let drafts: [(&str, Change); 7] = [
        ("another secret", |draft| draft.secret = "vst_ak_wrong".to_owned()),
        ("a clock that is behind", |draft| draft.at -= Duration::from_secs(330)),
        ("a clock that is ahead", |draft| draft.at += Duration::from_secs(330)),
        ("another region", |draft| draft.region = "eu-west-1"),
        ("another path", |draft| draft.path = "/mcp/demo?"),
        ("an unsigned payload", |draft| {
            draft.headers.push(("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned()));
        }),
        ("a payload in pieces", |draft| {
            let claimed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned();
            draft.headers.push(("x-amz-content-sha256", claimed));
        }),
    ];
    for (what, change) in drafts {
        let mut draft = Draft::of(&key, 2);
        change(&mut draft);
        let answer = draft.send(&server).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert_eq!(answer.json()["error"], "invalid_signature", "{what}: {answer:?}");
    }

    let tampers: [(&str, u16, Tamper); 6] = [
        ("another body", 401, |request| *request.body_mut() = call("get_data", 3).to_string().into()),
        ("another tool in the header", 401, |request| {
            request.headers_mut().insert("mcp-name", HeaderValue::from_static("get_data"));
        }),
        ("a header that is not signed", 401, |request| {
            request.headers_mut().insert("mcp-param-x", HeaderValue::from_static("1"));
        }),
        ("a signed header twice", 401, |request| {
            request.headers_mut().append("mcp-method", HeaderValue::from_static("tools/list"));
        }),
        ("a token beside it", 400, |request| {
            request.headers_mut().append("authorization", HeaderValue::from_static("Bearer x"));
        }),
        ("a key that nobody has", 401, |request| {
            let header = request.headers()["authorization"].to_str().unwrap().replace("VSTK", "VSTL");
            request.headers_mut().insert("authorization", header.parse().unwrap());
        }),
    ];
    for (what, status, tamper) in tampers {
        let mut request = Draft::of(&key, 3).signed(&server);
        tamper(&mut request);
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
    }
    let untouched = Draft::of(&key, 3).send(&server).await;
    assert_eq!(untouched.status, 200, "what was refused was not taken: {untouched:?}");
}

#[tokio::test]
async fn sg_10_a_key_ends_with_its_user_its_time_and_its_resource() {
    let server = Server::start(&Settings::default());
    let elsewhere = Key::add(&server, &["--resource", "https://elsewhere.example/mcp"]);
    let answer = Draft::of(&elsewhere, 1).send(&server).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let short = Key::add(&server, &["--expires", "1ms"]);
    assert_eq!(Draft::of(&short, 1).send(&server).await.status, 401);

    let key = Key::add(&server, &[]);
    assert_eq!(Draft::of(&key, 1).send(&server).await.status, 200);
    let database = Database::open(&server.data_directory());
    database.execute("UPDATE users SET state = 'disabled'");
    assert_eq!(Draft::of(&key, 2).send(&server).await.status, 401);
    let listed = vestibule(&server.data_directory(), &["access-key", "list", "--json"]).stdout;
    let listed: Vec<Value> = serde_json::from_slice(&listed).unwrap();
    assert!(listed.len() == 3 && listed.iter().all(|key| key["state"] == "disabled"), "{listed:?}");
    database.execute("UPDATE users SET state = 'active'");
    assert_eq!(Draft::of(&key, 3).send(&server).await.status, 200);
    vestibule(&server.data_directory(), &["access-key", "remove", key.id()]);
    assert_eq!(Draft::of(&key, 4).send(&server).await.status, 401);
}

#[tokio::test]
async fn p6_the_secret_of_a_key_is_written_nowhere() {
    let server = Server::start(&Settings { log: Some("trace"), ..Settings::default() });
    let key = Key::add(&server, &[]);
    assert_eq!(Draft::of(&key, 1).send(&server).await.status, 200);
    let wrong = Draft { region: "eu-west-1", ..Draft::of(&key, 2) };
    assert_eq!(wrong.send(&server).await.status, 401);
    let mut changed = Draft::of(&key, 3).signed(&server);
    *changed.body_mut() = "{}".into();
    assert_eq!(server.send(changed).await.status, 401);
    let mut canaries = Canaries::default();
    canaries.add("secret of the access key", key.secret());
    canaries.are_not_in_log(&server.log());
    canaries.are_not_in(&server.data_directory());
    assert!(server.log().contains(key.id()), "whose key it was is told");
}

#[tokio::test]
async fn signed_requests_can_be_turned_off() {
    let configuration = Some("[access_keys]\nenabled = false".to_owned());
    let server = Server::start(&Settings { configuration, ..Settings::default() });
    let key = Key::add(&server, &[]);
    let answer = Draft::of(&key, 1).send(&server).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &Value::from("missing_token")));
}
