//! Bodies that want to be read in two ways, or to cost more than they should.

use axum::body::Body;
use serde_json::json;

use crate::world::{World, call};

/// A body, by the attack that it stands for, and the answer.
struct Row {
    id: &'static str,
    body: &'static str,
    status: u16,
    code: i64,
}

const ROWS: &[Row] = &[
    Row {
        id: "GW-11 name in another case",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data","Name":"delete_data"}}"#,
        status: 400,
        code: -32602,
    },
    Row {
        id: "GW-11 name twice",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data","name":"delete_data"}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 name twice, once escaped",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data","\u006eame":"delete_data"}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 name with NUL",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data","name\u0000":"delete_data"}}"#,
        status: 400,
        code: -32602,
    },
    Row {
        id: "GW-11 long s",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data"},"paramſ":{"name":"delete_data"}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 method twice",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"delete_data"}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 arguments twice",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_data","arguments":{"item_id":9},"arguments":{"item_id":1}}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 an argument twice",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_data","arguments":{"item_id":9,"item_id":1}}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-11 a marker of the JSON library",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_data","arguments":{"$serde_json::private::RawValue":"{}"}}}"#,
        status: 400,
        code: -32600,
    },
    Row {
        id: "GW-13 lone surrogate",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
        status: 400,
        code: -32700,
    },
    Row {
        id: "GW-13 huge number",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":1e999999}}"#,
        status: 400,
        code: -32700,
    },
    Row {
        id: "GW-13 byte order mark",
        body: "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        status: 400,
        code: -32700,
    },
    Row {
        id: "GW-13 trailing garbage",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"ping"}x"#,
        status: 400,
        code: -32700,
    },
    Row { id: "GW-13 empty", body: "", status: 400, code: -32700 },
    Row { id: "batch", body: r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, status: 400, code: -32600 },
    Row { id: "null id", body: r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, status: 400, code: -32600 },
    Row {
        id: "params no object",
        body: r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
        status: 400,
        code: -32602,
    },
];

#[tokio::test]
async fn ambiguous_and_malformed_messages_are_refused_and_nothing_happens() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let session = world.session(&token).await;
    for row in ROWS {
        let answer = world.post(&token, row.body).header("mcp-session-id", &session).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (row.status, row.code), "{}: {answer:?}", row.id);
        assert!(!answer.text.contains("delete_data"), "{}: content is not repeated", row.id);
    }
    let items =
        world.post(&token, call("get_data", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(items.tool()["total"], 3);
}

#[tokio::test]
async fn gw_13_json_bombs_are_cheap() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}"#, "[".repeat(100_000));
    let long_key = format!(r#"{{"{}":1}}"#, "k".repeat(3 * 1024 * 1024));
    let keys: Vec<_> = (0..250_000).map(|n| format!("\"k{n}\":0")).collect();
    let many_keys = format!("{{{},\"k0\":1}}", keys.join(","));
    for (id, body) in [("depth", deep), ("long key", long_key), ("many keys", many_keys)] {
        let answer = world.post(&token, body).send().await;
        assert_eq!(answer.status, 400, "{id}");
        assert!(answer.text.len() < 512, "{id}");
    }
    let invalid_utf8 = world.post(&token, "").body(Body::from(vec![b'"', 0xff, b'"'])).send().await;
    assert_eq!((invalid_utf8.status.as_u16(), invalid_utf8.code()), (400, -32700));
}

#[tokio::test]
async fn gw_14_large_bodies_are_cut() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let chunk = "x".repeat(64 * 1024);
    let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    assert_eq!(world.post(&token, "").body(Body::from_stream(endless)).send().await.status, 413);
    let announced = world.post(&token, "{}").header("content-length", "1073741824").send().await;
    assert_eq!(announced.status, 413);
    let compressed = world.post(&token, "{}").header("content-encoding", "gzip").send().await;
    assert_eq!(compressed.status, 415);
}
