use std::collections::BTreeMap;

use audit::{Event, Kind, Outcome, Unrecorded};
use axum::{http::Request, routing::get};
use http::header::{CONTENT_TYPE, HOST};
use oauth::{GrantType, Issuer};
use secret::{Random, Secret};
use store::Location;
use tower::ServiceExt as _;

use super::*;
use crate::{
    audit::Queue,
    clock::SystemClock,
    config::server::{Behind, Server},
    entropy::SystemEntropy,
    wiring::connect,
};

struct World {
    _directory: tempfile::TempDir,
    metrics: Metrics,
    _queue: Queue,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::parse(&format!("sqlite:{}/db", directory.path().display())).unwrap();
    let (queue, _) = Queue::new(Arc::new(SystemClock));
    let metrics = Metrics::new(&Store::open(location).unwrap(), queue.backlog());
    World { _directory: directory, metrics, _queue: queue }
}

/// A router of one page, one stream and one endpoint that issues tokens.
fn router() -> Router {
    let token = async || {
        let mut response = axum::response::IntoResponse::into_response(http::StatusCode::OK);
        response.extensions_mut().insert(GrantType::RefreshToken);
        response
    };
    Router::new()
        .route("/page/{id}", get(async || "page"))
        .route("/stream", get(async || ([(CONTENT_TYPE, "text/event-stream")], "data: 1\n\n")))
        .route("/token", get(token))
        .fallback(async || http::StatusCode::NOT_FOUND)
}

async fn ask(router: &Router, path: &str) -> axum::response::Response {
    router.clone().oneshot(Request::get(path).body(axum::body::Body::empty()).unwrap()).await.unwrap()
}

async fn call(auditor: &Arc<dyn Auditor>, server: &str, tool: &str, outcome: Outcome) {
    let event = Event::new(Kind::ToolCall, outcome).server(server).tool(tool);
    auditor.reserve().await.unwrap().record(event.duration(std::time::Duration::from_millis(3)));
}

fn observed(name: &str, tools: Vec<String>) -> Observed {
    Observed { name: name.to_owned(), tools, server: None, process: None }
}

fn value(text: &str, sample: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_what_was_asked_for() {
    let World { metrics, .. } = world();
    let router = metrics.measuring(router());
    for path in ["/page/1", "/page/2", "/nowhere/1", "/nowhere/2", "/token"] {
        ask(&router, path).await;
    }
    let open = ask(&router, "/stream").await;
    let text = metrics.text();
    assert_eq!(
        value(&text, "vestibule_http_requests_total{endpoint=\"/page/{id}\",status=\"200\"}"),
        Some(2)
    );
    assert_eq!(
        value(&text, "vestibule_http_requests_total{endpoint=\"other\",status=\"404\"}"),
        Some(2),
        "{text}"
    );
    assert_eq!(
        value(&text, "vestibule_token_requests_total{grant_type=\"refresh_token\",outcome=\"issued\"}"),
        Some(1)
    );
    assert_eq!(value(&text, "vestibule_http_event_streams{endpoint=\"/stream\"}"), Some(1));
    assert!(!text.contains("nowhere"), "{text}");
    drop(open);
    assert_eq!(value(&metrics.text(), "vestibule_http_event_streams{endpoint=\"/stream\"}"), Some(0));
}

#[tokio::test]
async fn a_request_whose_client_leaves_is_counted() {
    let World { metrics, .. } = world();
    let router = metrics.measuring(Router::new().route("/slow", get(std::future::pending::<()>)));
    let request = Request::get("/slow").body(axum::body::Body::empty()).unwrap();
    let answer = tokio::time::timeout(std::time::Duration::from_millis(10), router.oneshot(request));
    assert!(answer.await.is_err());
    let text = metrics.text();
    assert_eq!(
        value(&text, "vestibule_http_requests_total{endpoint=\"/slow\",status=\"499\"}"),
        Some(1),
        "{text}"
    );
}

#[tokio::test]
async fn names_that_strangers_choose_become_no_labels() {
    let World { metrics, .. } = world();
    let many = (0..1000).map(|index| format!("tool{index:04}")).collect();
    metrics.observe(vec![observed("demo", vec!["get_data".to_owned()]), observed("far", many)]);
    let auditor = metrics.counting(Arc::new(Unrecorded));
    call(&auditor, "demo", "get_data", Outcome::Succeeded).await;
    call(&auditor, "nobody", "get_data", Outcome::Refused).await;
    for index in 0..1000 {
        call(&auditor, "demo", &format!("made-up-{index}"), Outcome::Refused).await;
        call(&auditor, "far", &format!("tool{index:04}"), Outcome::Succeeded).await;
    }
    let text = metrics.text();
    let calls = "vestibule_tool_calls_total";
    let sample = |labels: &str| value(&text, &format!("{calls}{{{labels}}}"));
    assert_eq!(sample("server=\"demo\",tool=\"get_data\",outcome=\"succeeded\""), Some(1));
    assert_eq!(sample("server=\"demo\",tool=\"other\",outcome=\"refused\""), Some(1000));
    assert_eq!(sample("server=\"far\",tool=\"other\",outcome=\"succeeded\""), Some(1000 - 64));
    assert_eq!(value(&text, "vestibule_tool_call_duration_seconds_count{server=\"demo\"}"), Some(1001));
    assert!(!text.contains("made-up") && !text.contains("nobody"));
    assert_eq!(text.matches(calls).count(), (2 + 65) * 4, "four outcomes a tool");
}

#[tokio::test]
async fn gw_03_a_page_that_pretends_to_be_here_reads_nothing() {
    let World { metrics, .. } = world();
    let router = endpoint::router(metrics, "127.0.0.1:9464".parse().unwrap());
    for (host, status) in [("127.0.0.1:9464", 200), ("localhost:9464", 200), ("evil.test:9464", 403)] {
        let request = Request::get("/metrics").header(HOST, host).body(axum::body::Body::empty()).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), status, "{host}");
    }
}

/// Everything is asked for once, so that every metric has a sample.
async fn everything() -> String {
    let World { metrics, .. } = world();
    let router = metrics.measuring(router());
    ask(&router, "/stream").await;
    ask(&router, "/token").await;
    let server: Server = toml::from_str("name = \"far\"\nkind = \"stdio\"\ncommand = [\"true\"]").unwrap();
    let Ok(Behind::Remote(remote)) = server.behind() else { panic!("a process is a server elsewhere") };
    let random: Arc<dyn Random> = Arc::new(SystemEntropy::new());
    let issuer = Issuer::parse("http://127.0.0.1:1").unwrap();
    let connected = connect("far", &remote, &issuer, &random, &Secret::new([0; 32])).unwrap();
    let process = connected.process.as_ref().map(Arc::downgrade);
    metrics.observe(vec![Observed {
        server: Some(connected.server.clone()),
        process,
        ..observed("far", Vec::new())
    }]);
    let auditor = metrics.counting(Arc::new(Unrecorded));
    call(&auditor, "far", "x", Outcome::Succeeded).await;
    auditor.reserve().await.unwrap().record(Event::new(Kind::SignIn, Outcome::Refused));
    metrics.text()
}

#[tokio::test]
async fn the_document_names_every_metric() {
    let text = everything().await;
    let mut told = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = if kind == "counter" { "_total" } else { "" };
        let first = if kind == "histogram" { "_sum" } else { suffix };
        let sample = text.lines().find(|line| line.starts_with(&format!("{name}{first}")));
        let sample = sample.unwrap_or_else(|| panic!("{name} has no sample in\n{text}"));
        let labels = sample.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let labels: Vec<_> = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0)).collect();
        let labels = if labels.is_empty() { "—".to_owned() } else { labels.join(", ") };
        told.insert(format!("{name}{suffix}"), (kind.to_owned(), labels));
    }
    let document = include_str!("../../../../docs/metrics.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `vestibule_"));
    let written: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            (
                format!("vestibule_{}", cells[0].trim_end_matches('`')),
                (cells[1].to_owned(), cells[2].to_owned()),
            )
        })
        .collect();
    assert_eq!(written, told);
}
