//! Who may come in without a token of ours: requests signed with an access key, and tokens of another issuer.

mod external;
mod signed;

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::http_client::Answer;

/// What a client of the modern era says of itself in every request.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A call of the modern era, which needs no session.
fn call(tool: &str, id: u32) -> Value {
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta() });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// What the tool of the demo server answered.
fn result(answer: &Answer) -> Value {
    let text = answer.json()["result"]["content"][0]["text"].clone();
    let text = text.as_str().unwrap_or_else(|| panic!("{answer:?}"));
    serde_json::from_str(text).unwrap()
}

/// A command on the data of a server.
fn vestibule(data_directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let output = command.args(arguments).arg("--data-dir").arg(data_directory).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
