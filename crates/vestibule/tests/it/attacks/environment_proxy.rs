//! OA-11: a proxy that the environment names gets nothing of what the gateway sends, and with it no credential.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::net::TcpListener;

use crate::{
    acting_client,
    faults::{self, upstream::Upstream},
    server::{Server, Settings},
};

/// What programs look at, in both spellings.
const VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[tokio::test]
async fn oa_11_a_proxy_of_the_environment_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let task = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });

    let behind = Upstream::start().await;
    let url = format!("http://{}/mcp", behind.address());
    let server = Server::start(&Settings {
        configuration: Some(format!("[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"{url}\"\n")),
        environment: VARIABLES.map(|name| (name, proxy.clone())).to_vec(),
        ..Settings::default()
    });
    let token = acting_client::token(&server, "/mcp/far").await;
    let answer = server.send(faults::call("/mcp/far", &token)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "hello", "{answer:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the proxy was asked");
    task.abort();
}
