//! The keys that seal the database are rotated while the server works.

use std::process::Stdio;

use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    acting_client, http_client,
    server::{Server, Settings},
};

/// What a command said on stdout, and whether it was content.
async fn keyring(server: &Server, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("keyring").args(arguments).env("VESTIBULE_DATA_DIR", server.data_directory());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.expect("the command runs");
    let told = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(told).expect("the output is text").trim().to_owned())
}

async fn succeeds(server: &Server, arguments: &[&str]) -> String {
    let (succeeded, told) = keyring(server, arguments).await;
    assert!(succeeded, "{arguments:?}: {told}");
    told
}

/// The keys in their order: what they do, and how many values need them.
async fn status(server: &Server) -> Vec<(String, String, u64)> {
    let text = succeeds(server, &["status", "--json"]).await;
    let keys: Vec<Value> = serde_json::from_str(&text).expect("the status is JSON");
    let read = |key: &Value| {
        let text = |member: &str| key[member].as_str().expect("a text").to_owned();
        (text("key"), text("use"), key["values"].as_u64().expect("a number"))
    };
    keys.iter().map(read).collect()
}

/// A tool call of a client that has just registered.
async fn call(server: &Server) -> StatusCode {
    let token = acting_client::token_with(server, "/mcp/v1", "read").await;
    let mut request = http_client::json("/mcp/v1/tools/call", &json!({ "name": "get_data" }));
    let bearer = format!("Bearer {token}").parse().expect("a token is visible");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    server.send(request).await.status
}

#[tokio::test]
async fn va_05_keys_are_rotated_under_load_and_a_needed_one_cannot_go() {
    let server = Server::start(&Settings::default());
    let old = status(&server).await;
    assert_eq!(old.len(), 1);
    let (old, needed) = (old[0].0.clone(), old[0].2);
    assert!(needed >= 3, "canary, root and signing key");

    let load = async {
        for _ in 0..200 {
            assert_eq!(call(&server).await, StatusCode::OK, "nobody notices");
        }
    };
    let rotation = async {
        let new = succeeds(&server, &["add"]).await;
        server.log_with(&format!("sealing={old}")).await;
        assert_eq!(succeeds(&server, &["promote"]).await, new);
        server.log_with(&format!("sealing={new}")).await;
        let (removed, told) = keyring(&server, &["remove", &old]).await;
        assert!(!removed && told.contains("would be lost"), "{told}");
        succeeds(&server, &["reseal"]).await;
        new
    };
    let ((), new) = tokio::join!(load, rotation);
    assert_eq!(
        status(&server).await,
        [(new.clone(), "seals".into(), needed), (old.clone(), "opens".into(), 0)]
    );
    let (removed, told) = keyring(&server, &["remove", &new]).await;
    assert!(!removed && told.contains("the key that seals"), "{told}");
    succeeds(&server, &["remove", &old]).await;
    assert_eq!(status(&server).await, [(new, "seals".into(), needed)]);

    // Another node, which never saw the old key, reads everything.
    let directory = Some(server.data_directory());
    let after = Server::start(&Settings { data_directory: directory, ..Settings::default() });
    assert_eq!(call(&after).await, StatusCode::OK);
}
