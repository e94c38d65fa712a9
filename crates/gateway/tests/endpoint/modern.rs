//! The modern era, end to end.

use serde_json::{Value, json};

use crate::world::{World, modern_body, rpc};

#[tokio::test]
async fn a_client_without_handshake_goes_all_the_way() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let discovered = world.modern(&token, "server/discover", json!({})).send().await;
    assert!(!discovered.headers.contains_key("mcp-session-id"));
    let result = &discovered.json()["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(
        result["supportedVersions"],
        json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
    );
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].as_u64() > Some(0));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "vestibule-demo");

    let listed = world.modern(&token, "tools/list", json!({})).send().await.json();
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(6));
    assert_eq!(
        (&listed["result"]["resultType"], &listed["result"]["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );

    let call = async |tool: &str, arguments: Value| {
        world.modern(&token, "tools/call", json!({ "name": tool, "arguments": arguments })).send().await
    };
    let created = call("create_data", json!({ "name": "new", "value": 7 })).await;
    assert_eq!(created.json()["result"]["resultType"], "complete");
    assert_eq!(created.json()["result"]["structuredContent"], created.tool());
    assert_eq!(
        call("delete_data", json!({ "item_id": 4 })).await.tool(),
        json!({ "id": 4, "deleted": true })
    );
    let mistaken = call("create_data", json!({ "name": "new" })).await;
    assert_eq!(mistaken.json()["result"]["isError"], true);
    assert_eq!(mistaken.tool(), json!({ "error": "\"value\" is required" }));
    let unknown = call("drop_table", json!({})).await;
    assert_eq!(unknown.code(), -32602);
}

/// One request of the modern era that differs from a good one in the way that its id tells.
struct Row {
    id: &'static str,
    method: &'static str,
    params: &'static str,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
    code: i64,
}

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const CALL: (&str, &str) = ("mcp-method", "tools/call");
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

const ROWS: &[Row] = &[
    Row {
        id: "good",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "get_data")],
        status: 200,
        code: 0,
    },
    Row {
        id: "good: encoded name",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "=?base64?Z2V0X2RhdGE=?=")],
        status: 200,
        code: 0,
    },
    Row {
        id: "good: an unknown Mcp-Param is nobody's business",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "get_data"), ("mcp-param-x", "42")],
        status: 200,
        code: 0,
    },
    Row {
        id: "GW-09 method differs",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, ("mcp-method", "tools/list"), ("mcp-name", "get_data")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 method in another case",
        method: "tools/list",
        params: "{META}",
        headers: &[VERSION, ("mcp-method", "TOOLS/LIST")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 name differs",
        method: "tools/call",
        params: r#"{"name":"delete_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "get_data")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 method missing",
        method: "tools/list",
        params: "{META}",
        headers: &[VERSION],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 name missing",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 name twice",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "get_data"), ("mcp-name", "get_data")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 sentinel in the wrong case",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "=?BASE64?Z2V0X2RhdGE=?=")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 sentinel twice",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "=?base64?PT9iYXNlNjQ/WjJWMFgyUmhkR0U9Pz0=?=")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-09 sentinel around no base64",
        method: "tools/call",
        params: r#"{"name":"get_data",META}"#,
        headers: &[VERSION, CALL, ("mcp-name", "=?base64?get_data?=")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-10 version header missing",
        method: "tools/list",
        params: "{META}",
        headers: &[("mcp-method", "tools/list")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-10 version header differs",
        method: "tools/list",
        params: "{META}",
        headers: &[("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
        status: 400,
        code: -32020,
    },
    Row {
        id: "GW-10 unknown version",
        method: "server/discover",
        params: r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"v999.0.0","io.modelcontextprotocol/clientCapabilities":{}}}"#,
        headers: &[("mcp-protocol-version", "v999.0.0")],
        status: 400,
        code: -32022,
    },
    Row {
        id: "GW-10 a legacy version needs its handshake",
        method: "tools/list",
        params: r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}}}"#,
        headers: &[("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
        status: 400,
        code: -32022,
    },
    Row {
        id: "no _meta",
        method: "server/discover",
        params: "{}",
        headers: &[VERSION, ("mcp-method", "server/discover")],
        status: 400,
        code: -32602,
    },
    Row {
        id: "no version in _meta",
        method: "server/discover",
        params: r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#,
        headers: &[VERSION, ("mcp-method", "server/discover")],
        status: 400,
        code: -32602,
    },
    Row {
        id: "no capabilities in _meta",
        method: "server/discover",
        params: r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
        headers: &[VERSION, ("mcp-method", "server/discover")],
        status: 400,
        code: -32602,
    },
    Row {
        id: "no tool name",
        method: "tools/call",
        params: "{META}",
        headers: &[VERSION, CALL],
        status: 200,
        code: -32602,
    },
];

#[tokio::test]
async fn headers_and_meta_are_held_against_the_body() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    for row in ROWS {
        let params = row.params.replace("META", META);
        let body = format!(r#"{{"jsonrpc":"2.0","id":"row","method":"{}","params":{params}}}"#, row.method);
        let request = world.post(&token, body);
        let request = row.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (row.status, row.code), "{}: {answer:?}", row.id);
        assert_eq!(answer.json()["id"], "row", "{}", row.id);
    }
}

#[tokio::test]
async fn an_unsupported_version_names_the_supported_ones() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let mut body = modern_body("server/discover", json!({}));
    body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("1900-01-01");
    let answer = world.post(&token, body).header("mcp-protocol-version", "1900-01-01").send().await;
    let data = &answer.json()["error"]["data"];
    assert_eq!(data["requested"], "1900-01-01");
    let discovered = world.modern(&token, "server/discover", json!({})).send().await;
    assert_eq!(data["supported"], discovered.json()["result"]["supportedVersions"]);
}

#[tokio::test]
async fn methods_that_the_revision_removed_or_we_do_not_offer_are_404() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/list",
        "unknown/method",
    ] {
        let answer = world.modern(&token, method, json!({})).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, -32601), "{method}");
    }
}

#[tokio::test]
async fn sessions_mean_nothing_here() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let stale = world.modern(&token, "tools/list", json!({})).header("mcp-session-id", "stale").send().await;
    assert_eq!(stale.status, 200);
    assert!(!stale.headers.contains_key("mcp-session-id"));
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/x" });
    let accepted = world.post(&token, notification).header("mcp-protocol-version", "2026-07-28").send().await;
    assert_eq!(accepted.status, 202);
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let refused = world.post(&token, response).header("mcp-protocol-version", "2026-07-28").send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600));
}

#[tokio::test]
async fn gw_09_the_policy_decides_on_the_body() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let body = modern_body("tools/call", json!({ "name": "delete_data", "arguments": { "item_id": 1 } }));
    let forged = world
        .post(&token, body)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "get_data")
        .send()
        .await;
    assert_eq!(forged.status, 400);
    let legacy = world
        .post(&token, rpc("tools/call", json!({ "name": "delete_data" })))
        .header("mcp-name", "get_data");
    let session = world.session(&token).await;
    assert_eq!(
        legacy.header("mcp-session-id", &session).send().await.status,
        403,
        "the body decides, not a header"
    );
    let left = world.request("GET", "/api/data").bearer(&token).send().await;
    assert_eq!(left.json()["total"], 3);
}
