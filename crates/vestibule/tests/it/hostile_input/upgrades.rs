//! GW-34: an `Upgrade` to another protocol. Nothing here has one, so it is ignored (RFC 9110 §7.8), and what comes
//! behind it is HTTP/1.1 like everything before it: a request that stands or falls by itself.

use super::Target;

/// The first request of a WebSocket (RFC 6455 §1.3).
const WEBSOCKET: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mcp\r\n";
/// The upgrade to HTTP/2 in the clear (RFC 7540 §3.2), which RFC 9113 has removed.
const H2C: &str =
    "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
/// The same where only one of the two headers says so: proxies have passed these on.
const H2C_HALF: &str = "connection: keep-alive\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";

/// The preface of HTTP/2, an empty SETTINGS frame, and `GET /mcp/demo` as a HEADERS frame.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
                        \0\0\x18\x01\x05\0\0\0\x01\x82\x86\x04\x09/mcp/demo\x41\x09localhost";
/// A masked text frame of a WebSocket that says `ping`.
const FRAME: &[u8] = b"\x81\x84\0\0\0\0ping";

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// The status of every answer. All of them are HTTP/1.1, or the test fails.
#[track_caller]
fn statuses(answers: &str) -> Vec<u16> {
    assert!(answers.starts_with("HTTP/1.1 "), "{answers}");
    let status = |answer: &str| answer.get(..3).and_then(|digits| digits.parse().ok());
    answers.split("HTTP/1.1 ").skip(1).map(|answer| status(answer).expect("a status")).collect()
}

impl Target {
    /// The request line and the headers of requests that are good without an `Upgrade`, each with its body and with
    /// the answer to it.
    fn good_requests(&self) -> Vec<(String, &'static str, u16)> {
        let host = format!("host: {}\r\n", self.world.server.address());
        let token = format!("{host}authorization: Bearer {}\r\n", self.token);
        let call = format!(
            "{token}content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n"
        );
        let form = format!("{host}content-type: application/x-www-form-urlencoded\r\n");
        let metadata = "/.well-known/oauth-protected-resource/mcp/demo";
        vec![
            (format!("POST /mcp/demo HTTP/1.1\r\n{call}"), PING, 200),
            (format!("GET /mcp/demo HTTP/1.1\r\n{host}"), "", 401),
            (format!("GET {metadata} HTTP/1.1\r\n{host}"), "", 200),
            (format!("GET /.well-known/oauth-authorization-server HTTP/1.1\r\n{host}"), "", 200),
            (format!("POST /token HTTP/1.1\r\n{form}"), "grant_type=nothing", 400),
            (format!("GET /api/user/profile HTTP/1.1\r\n{token}"), "", 200),
        ]
    }

    /// What comes back for this request with these headers more, and for what stands behind it.
    async fn upgraded(&self, head: &str, upgrade: &str, body: &str, behind: &[u8]) -> String {
        let length = body.len();
        let request = format!("{head}{upgrade}content-length: {length}\r\n\r\n{body}");
        self.send_raw(&[request.as_bytes(), behind].concat()).await
    }
}

#[tokio::test]
async fn gw_34_an_upgrade_is_ignored_and_what_is_smuggled_behind_it_is_no_request() {
    let target = Target::start().await;
    for (head, body, expected) in target.good_requests() {
        for upgrade in [WEBSOCKET, H2C, H2C_HALF] {
            for behind in [HTTP_2, FRAME] {
                let answers = target.upgraded(&head, upgrade, body, behind).await;
                let found = statuses(&answers);
                let (first, rest) = found.split_first().expect("there is an answer");
                assert!([expected, 400].contains(first), "{head}{upgrade}: {answers}");
                assert!(rest.iter().all(|status| (400..500).contains(status)), "{head}{upgrade}: {answers}");
                let lower = answers.to_ascii_lowercase();
                assert!(!lower.contains("\r\nupgrade:") && !lower.contains("sec-websocket"), "{answers}");
            }
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn gw_34_a_request_behind_an_upgrade_has_nothing_of_the_one_before() {
    let target = Target::start().await;
    let host = target.world.server.address();
    let tail = "connection: close\r\ncontent-length: 0\r\n\r\n";
    let without_token = format!("POST /mcp/demo HTTP/1.1\r\nhost: {host}\r\n{tail}");
    let elsewhere =
        format!("POST /mcp/demo HTTP/1.1\r\nhost: evil.test\r\nauthorization: Bearer x\r\n{tail}");
    for upgrade in [WEBSOCKET, H2C, H2C_HALF] {
        for (behind, refusal) in [(&without_token, 401), (&elsewhere, 403)] {
            let (head, body, expected) = target.good_requests().remove(0);
            let answers = target.upgraded(&head, upgrade, body, behind.as_bytes()).await;
            assert_eq!(statuses(&answers), [expected, refusal], "{upgrade}{behind}: {answers}");
        }
    }
    target.is_unharmed().await;
}
