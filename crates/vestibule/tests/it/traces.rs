//! Traces as a collector gets them.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, routing::post};
use http::header;
use hyper::body::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    acting_client, http_client,
    server::{Server, Settings},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const UNSAMPLED: &str = "1bf7651916cd43dd8448eb211c80319c";

// The collector answers on a thread of its own while this one waits for the process to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_the_call_behind_it_are_spans_of_the_callers_trace() {
    let collector = Collector::listen().await;
    let mut server = collector.server();
    let token = acting_client::token(&server, "/mcp/far").await;
    for (trace, flags) in [(TRACE, "01"), (UNSAMPLED, "00")] {
        let mut request = http_client::json("/mcp/far?note=canary-query", &initialize());
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers.insert("traceparent", format!("00-{trace}-{PARENT}-{flags}").parse().unwrap());
        headers.insert("tracestate", "vendor=canary-state".parse().unwrap());
        headers.insert("baggage", "user=canary-baggage".parse().unwrap());
        server.send(request).await;
    }
    // What is left is sent before the process ends.
    server.stop();

    let spans = collector.spans();
    let named = |name: &str| -> Vec<&Span> {
        spans.iter().filter(|span| span.name == name && hex(&span.trace_id) == TRACE).collect()
    };
    let [request] = named("POST /mcp/far")[..] else { panic!("{spans:#?}") };
    assert_eq!(hex(&request.parent_span_id), PARENT);
    assert_eq!(request.kind, SpanKind::Server as i32);
    assert_eq!(attribute(request, "http.route").as_deref(), Some("/mcp/far"));
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("502"));
    let calls = named("upstream");
    assert!(!calls.is_empty(), "{spans:#?}");
    for call in calls {
        assert_eq!(hex(&call.parent_span_id), hex(&request.span_id));
        assert_eq!(call.kind, SpanKind::Client as i32);
        assert_eq!(attribute(call, "server").as_deref(), Some("far"));
    }
    assert!(!spans.iter().any(|span| hex(&span.trace_id) == UNSAMPLED), "its caller records nothing");
    assert!(
        spans.iter().any(|span| span.name == "POST /token" && span.parent_span_id.is_empty()),
        "{spans:#?}"
    );

    let sent = collector.text();
    for hidden in [&*token, "canary", "vst_", "client_", "127.0.0.1"] {
        assert!(!sent.contains(hidden), "{hidden}\n{sent}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_stops_nothing() {
    let configuration = Some("[telemetry]\ntraces = \"http://127.0.0.1:1/v1/traces\"\n".to_owned());
    let mut server = Server::start(&Settings { configuration, ..Settings::default() });
    let answer = server.send(http_client::json("/mcp/demo", &initialize())).await;
    assert_eq!(answer.status, 401);
    server.stop();
    assert!(server.log().contains("do not get to the collector"), "{}", server.log());
}

fn initialize() -> serde_json::Value {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

/// Keeps what it is sent.
struct Collector {
    url: String,
    received: Arc<Mutex<Vec<Bytes>>>,
    _server: JoinSet<()>,
}

impl Collector {
    async fn listen() -> Self {
        let received = Arc::<Mutex<Vec<Bytes>>>::default();
        let keep = async |State(received): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| {
            received.lock().unwrap().push(body);
        };
        let router = Router::new().route("/v1/traces", post(keep)).with_state(received.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, received, _server: server }
    }

    /// A server that sends here, with a server behind it that nobody can reach.
    fn server(&self) -> Server {
        let configuration = format!(
            "[telemetry]\ntraces = \"{}\"\n\n\
             [[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"http://127.0.0.1:1/mcp\"\n",
            self.url
        );
        Server::start(&Settings { configuration: Some(configuration), ..Settings::default() })
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let requests = received.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    fn text(&self) -> String {
        self.received.lock().unwrap().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == name)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}
