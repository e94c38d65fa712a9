//! Where requests may go: to the base URL of the operator, and to addresses that the operator allows (OA-06, OA-09, OA-10).

use gateway::AllowedRequests;
use openapi::Settings;
use outbound::Egress;
use serde_json::json;

use super::recorder::{Api, call, said, way};
use crate::world::World;

#[tokio::test]
async fn oa_06_the_servers_of_a_document_are_not_asked() {
    let world = World::new().await;
    let (api, evil) = (Api::content().await, Api::content().await);
    let server = |url: String| json!([{ "url": url }]);
    for url in [
        format!("http://{}", evil.address),
        format!("//{}/", evil.address),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
        "../../admin".to_owned(),
        "https://{host}/".to_owned(),
    ] {
        let document = json!({ "openapi": "3.1.0", "servers": server(url.clone()), "paths": { "/thing": {
            "servers": server(url.clone()), "get": { "operationId": "getThing", "servers": server(url.clone()) } } } });
        let gateway = world.gateway_by(api.way(&document, Settings::default()), AllowedRequests::default());
        assert!(!said(&call(&world, &gateway, "getThing", json!({})).await).1, "{url}");
    }
    assert_eq!(evil.received(), Vec::<String>::new());
    assert!(
        api.received().iter().all(|request| request.starts_with("GET /v1/thing HTTP/1.1\r\n")),
        "{:?}",
        api.received()
    );
}

#[tokio::test]
async fn oa_09_addresses_are_judged_however_they_are_written() {
    let api = Api::content().await;
    let port = api.address.port();
    let document =
        json!({ "openapi": "3.1.0", "paths": { "/thing": { "get": { "operationId": "getThing" } } } });
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "[::ffff:7f00:1]",
        "[::1]",
        "[::]",
        "localhost",
        "localhost.",
        "0.0.0.0",
    ] {
        let world = World::new().await;
        let way = way(&document, Settings::default(), &format!("https://{host}:{port}"), Egress::public());
        let gateway = world.gateway_by(way, AllowedRequests::default());
        let (texts, is_error) = said(&call(&world, &gateway, "getThing", json!({})).await);
        assert!(is_error && texts[0].contains("cannot be reached"), "{host}: {texts:?}");
    }
    assert_eq!(api.received(), Vec::<String>::new());
}
