//! Requests as bytes, and the clients that send them.

use std::{ops::Range, sync::Arc};

use crate::{
    load::{Answer, Client},
    person::RegisteredClient,
};

/// A POST with a body.
pub(crate) fn post(path: &str, media_type: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A POST of a form; the fields must need no escaping.
pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    post(path, "application/x-www-form-urlencoded", "", &body.join("&"))
}

/// A call of a tool without arguments, as the stateless revision sends it.
pub(crate) fn tool_call(path: &str, tool: &str, access_token: &str) -> Vec<u8> {
    tool_call_with(path, tool, "", access_token)
}

/// The same with arguments, as JSON.
pub(crate) fn tool_call_with(path: &str, tool: &str, arguments: &str, access_token: &str) -> Vec<u8> {
    let headers = format!(
        "authorization: Bearer {access_token}\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n"
    );
    let arguments = if arguments.is_empty() { String::new() } else { format!(r#""arguments":{arguments},"#) };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}",{arguments}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    post(path, "application/json", &headers, &body)
}

/// Opens a stream of notifications, as the stateless revision does.
pub(crate) fn listen(path: &str, access_token: &str) -> Vec<u8> {
    let headers = format!(
        "authorization: Bearer {access_token}\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\n"
    );
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    post(path, "application/json", &headers, body)
}

/// Opens a stream of the oldest transport.
pub(crate) fn event_stream(path: &str, access_token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {access_token}\r\naccept: text/event-stream\r\n\r\n"
    )
    .into_bytes()
}

/// Fails the benchmark when an answer is not the expected one.
pub(crate) fn expect(answer: &Answer<'_>, status: u16) {
    let Answer { head, body, .. } = answer;
    assert!(answer.status == status, "not {status}:\n{head}{}", String::from_utf8_lossy(body));
}

/// A string member of a JSON answer, unescaped as it must not need it.
pub(crate) fn member<'a>(body: &'a [u8], name: &str) -> &'a str {
    let text = std::str::from_utf8(body).expect("JSON is UTF-8");
    let start = text.find(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("no {name} in {text}"));
    let value = &text[start + name.len() + 4..];
    value.split('"').next().unwrap_or_default()
}

/// Sends the same request again and again.
#[derive(Clone)]
pub(crate) struct Fixed {
    request: Arc<[u8]>,
    status: u16,
    left: u32,
    keeps_answers: bool,
    /// The heads and bodies of the answers, if they are kept.
    pub(crate) answers: Vec<(String, Vec<u8>)>,
}

impl Fixed {
    /// For as long as the load lasts.
    pub(crate) fn new(request: impl AsRef<[u8]>, status: u16) -> Self {
        let request = Arc::from(request.as_ref());
        Self { request, status, left: u32::MAX, keeps_answers: false, answers: Vec::new() }
    }

    /// That often, and keeps the answers.
    pub(crate) fn times(self, times: u32) -> Self {
        Self { left: times, keeps_answers: true, ..self }
    }
}

impl Client for Fixed {
    fn request(&mut self) -> Option<&[u8]> {
        self.left = self.left.checked_sub(1)?;
        Some(&self.request)
    }

    fn take(&mut self, answer: &Answer<'_>) {
        expect(answer, self.status);
        if self.keeps_answers {
            self.answers.push((answer.head.to_owned(), answer.body.to_owned()));
        }
    }
}

/// Refreshes, and then refreshes with what that gave.
pub(crate) struct Chain {
    request: Vec<u8>,
    token: Range<usize>,
}

impl Chain {
    /// Begins with a refresh token. Its successors are as long as it is, so that each takes its place.
    pub(crate) fn new(client: &RegisteredClient, refresh_token: &str) -> Self {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let request = client.form("/token", &fields);
        let token = request.len() - refresh_token.len()..request.len();
        Self { request, token }
    }
}

impl Client for Chain {
    fn request(&mut self) -> Option<&[u8]> {
        Some(&self.request)
    }

    fn take(&mut self, answer: &Answer<'_>) {
        expect(answer, 200);
        let successor = member(answer.body, "refresh_token");
        self.request[self.token.clone()].copy_from_slice(successor.as_bytes());
    }
}

/// Sends each of its requests once.
pub(crate) struct Stock {
    left: Vec<Vec<u8>>,
    current: Vec<u8>,
}

impl Stock {
    /// Deals the requests out to this many clients.
    pub(crate) fn deal(requests: Vec<Vec<u8>>, clients: usize) -> Vec<Self> {
        let mut stocks: Vec<_> =
            (0..clients).map(|_| Self { left: Vec::new(), current: Vec::new() }).collect();
        for (number, request) in requests.into_iter().enumerate() {
            stocks[number % clients].left.push(request);
        }
        stocks
    }
}

impl Client for Stock {
    fn request(&mut self) -> Option<&[u8]> {
        self.current = self.left.pop()?;
        Some(&self.current)
    }

    fn take(&mut self, answer: &Answer<'_>) {
        expect(answer, 200);
    }
}
