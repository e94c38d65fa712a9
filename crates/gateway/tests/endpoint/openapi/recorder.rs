//! An API that is made of a function, on loopback, which remembers every byte that reached it; and tools for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use gateway::{AllowedRequests, OpenApiServer, OpenApiSettings, Way};
use openapi::{Document, Limits, Selection, Settings, Tools};
use outbound::Egress;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Answer, World};

/// A running API.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// Answers each request, head and body as they came, with the bytes that `answer` makes; then it closes.
    pub(crate) async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<String>>>::default();
        let (log, answer) = (received.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                tokio::spawn(async move {
                    let request = whole_request(&mut stream).await;
                    if request.is_empty() {
                        return;
                    }
                    log.lock().unwrap().push(request.clone());
                    stream.write_all(&answer(&request)).await.unwrap();
                });
            }
        });
        Self { address, received }
    }

    /// One that answers everything with `{"ok":true}`.
    pub(crate) async fn content() -> Self {
        Self::start(|_| json_answer(200, r#"{"ok":true}"#)).await
    }

    /// Everything that arrived.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn only(&self) -> String {
        let [request] = &self.received()[..] else { panic!("{:?}", self.received()) };
        request.clone()
    }

    /// The first line of the only request, without its version.
    pub(crate) fn line(&self) -> String {
        let request = self.only();
        request.lines().next().unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned()
    }

    /// The server for a document whose API is here, below `/v1`.
    pub(crate) fn way(&self, document: &Value, settings: Settings) -> Way {
        way(document, settings, &format!("http://{}/v1", self.address), Egress::public().with_loopback())
    }

    /// A gateway in front of it, at `/mcp/far`, with a tool for every operation.
    pub(crate) fn behind(&self, world: &World, paths: &Value) -> Router {
        let document = json!({ "openapi": "3.1.0", "paths": paths });
        world.gateway_by(self.way(&document, Settings::default()), AllowedRequests::default())
    }
}

pub(crate) fn way(document: &Value, settings: Settings, base_url: &str, egress: Egress) -> Way {
    let everything = Selection { include: vec!["*".to_owned()], ..Selection::default() };
    let document = Document::parse(document.to_string().as_bytes(), &Limits::default()).unwrap();
    let (tools, _) = Tools::compile(&document, &Settings { selection: everything, ..settings }).unwrap();
    let settings =
        OpenApiSettings { document: &document, tools, base_url: base_url.parse().unwrap(), egress };
    Way::OpenApi(OpenApiServer::new(settings).unwrap().0)
}

/// An answer with a body, and no more on its connection.
pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn json_answer(status: u16, body: &str) -> Vec<u8> {
    answer(status, "content-type: application/json\r\n", body.as_bytes())
}

/// Calls a tool in the modern era.
pub(crate) async fn call(world: &World, gateway: &Router, tool: &str, arguments: Value) -> Answer {
    let token = world.far_token("ada", "use");
    let params = json!({ "name": tool, "arguments": arguments });
    world.far_modern(gateway, &token, "tools/call", params).send().await
}

/// The texts of a result, and whether it is one of a failure.
pub(crate) fn said(answer: &Answer) -> (Vec<String>, bool) {
    let result = &answer.json()["result"];
    let content = result["content"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let texts = content.iter().map(|part| part["text"].as_str().unwrap_or_default().to_owned());
    (texts.collect(), result["isError"] == true)
}

/// Head and body; empty when nothing came.
async fn whole_request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length =
                length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
