//! Host, Origin, CORS, methods and media types.

use axum::body::Body;

use crate::world::{World, initialize};

const PATHS: [&str; 6] =
    ["/mcp/demo", "/mcp/v1", "/mcp/v1/tools/list", "/api/data", "/api/data/1", "/api/user/profile"];

#[tokio::test]
async fn gw_02_an_evil_origin_is_refused_before_any_work() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for path in PATHS {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = world
                .request(method, path)
                .bearer(&token)
                .header("origin", "https://evil.test")
                .header("access-control-request-method", "POST")
                .send()
                .await;
            assert_eq!(answer.status, 403, "{method} {path}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{method} {path}");
        }
        let unauthorized = world.request("POST", path).header("origin", "https://evil.test").send().await;
        assert_eq!(unauthorized.status, 403, "{path}: not 401, which would already be work");
    }
}

#[tokio::test]
async fn gw_03_other_hosts_are_not_answered_for() {
    let world = World::new().await;
    for path in PATHS {
        for (host, target, status) in [
            ("attacker.test:8080", path.to_owned(), 403),
            ("localhost.evil", path.to_owned(), 403),
            ("127.0.0.1:8080", format!("http://evil.test{path}"), 400),
        ] {
            let request = http::Request::post(target).header("host", host).body(Body::empty()).unwrap();
            let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.unwrap();
            assert_eq!(response.status(), status, "{host} {path}");
        }
        let twice = world.request("POST", path).header("host", "127.0.0.1:8080").send().await;
        assert_eq!(twice.status, 400, "{path}");
    }
}

#[tokio::test]
async fn gw_33_a_preflight_grants_only_to_our_origins() {
    let world = World::new().await;
    for path in PATHS {
        for origin in ["http://localhost:6274", "http://127.0.0.1:8080", "https://app.example"] {
            let answer = world
                .request("OPTIONS", path)
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization, mcp-session-id")
                .send()
                .await;
            assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, origin));
            assert_eq!(answer.header("vary"), "origin");
            assert!(answer.header("access-control-allow-headers").contains("authorization"));
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        }
    }
}

#[tokio::test]
async fn a_page_of_our_origins_can_read_the_answer_and_the_challenge() {
    let world = World::new().await;
    let challenge = world.request("POST", "/mcp/demo").header("origin", "http://localhost:6274").send().await;
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.header("access-control-allow-origin"), "http://localhost:6274");
    assert!(challenge.header("access-control-expose-headers").contains("www-authenticate"));
    let token = world.token("ada", "read");
    let answer =
        world.post(&token, initialize("2025-11-25")).header("origin", "https://app.example").send().await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-expose-headers").contains("mcp-session-id"));
}

#[tokio::test]
async fn gw_07_headers_of_other_systems_are_ignored() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    let answer = world
        .post(&token, crate::world::call("get_user_profile", serde_json::json!({})))
        .header("mcp-session-id", &session)
        .header("x-forwarded-user", "root")
        .header("x-forwarded-host", "evil.test")
        .header("x-auth-request-user", "root")
        .header("x-original-url", "/admin")
        .header("x-tenant-id", "other")
        .header("mcp-init-host", "evil.test")
        .header("router-key", "secret-api-key")
        .send()
        .await;
    assert_eq!(answer.tool()["id"], "ada");
}

#[tokio::test]
async fn methods_and_media_types_are_checked_after_the_token() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let get =
        world.request("GET", "/mcp/demo").bearer(&token).header("accept", "text/event-stream").send().await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST, DELETE"));
    let put = world.request("PUT", "/mcp/demo").bearer(&token).send().await;
    assert_eq!(put.status, 405);
    let body = initialize("2025-11-25").to_string();
    for (name, value, status) in [
        ("content-type", "text/plain", 415),
        ("accept", "text/event-stream", 406),
        ("accept", "application/json", 200),
        ("accept", "*/*", 200),
        ("content-encoding", "gzip", 415),
    ] {
        let mut request = world.request("POST", "/mcp/demo").bearer(&token).header(name, value);
        if name != "content-type" {
            request = request.header("content-type", "application/json");
        }
        let answer = request.body(Body::from(body.clone())).send().await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn an_unknown_server_is_not_found() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for path in [
        "/mcp",
        "/mcp/",
        "/mcp/other",
        "/mcp/demo/",
        "/mcp/DEMO",
        "/mcp/demo%2f",
        "/mcp/demo;x=1",
        "/mcp//demo",
    ] {
        let answer = world.request("POST", path).bearer(&token).json(initialize("2025-11-25")).send().await;
        assert_eq!(answer.status, 404, "{path}");
    }
}
