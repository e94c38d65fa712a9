//! The command line; what the server does is tested with real clients in `crates/vestibule/tests/it/rmcp_server.rs`.

use std::process::Command;

#[test]
fn it_says_what_it_wants_to_know() {
    let output = Command::new(env!("CARGO_BIN_EXE_rmcp-server")).output().expect("the binary starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("usage: rmcp-server ISSUER URL [ADDRESS]"), "{said}");
}
