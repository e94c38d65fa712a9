//! The arrows between the crates, as ARCHITECTURE.md draws them.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use crate::clients;

/// Each crate, from the ground up, with the crates of this workspace that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("vestibule-secret", &[]),
    ("vestibule-mcp", &[]),
    ("vestibule-openapi", &["vestibule-mcp"]),
    ("vestibule-outbound", &[]),
    ("vestibule-oauth", &["vestibule-secret"]),
    ("vestibule-audit", &["vestibule-oauth", "vestibule-secret"]),
    ("vestibule-signature", &["vestibule-oauth", "vestibule-secret"]),
    ("vestibule-store", &["vestibule-oauth", "vestibule-secret"]),
    (
        "vestibule-guard",
        &[
            "vestibule-mcp",
            "vestibule-oauth",
            "vestibule-outbound",
            "vestibule-secret",
            "vestibule-signature",
        ],
    ),
    (
        "vestibule-vault",
        &[
            "vestibule-audit",
            "vestibule-client",
            "vestibule-oauth",
            "vestibule-outbound",
            "vestibule-secret",
            "vestibule-store",
        ],
    ),
    ("vestibule-client", &["vestibule-mcp", "vestibule-oauth", "vestibule-outbound", "vestibule-secret"]),
    (
        "vestibule-authorization-server",
        &["vestibule-audit", "vestibule-oauth", "vestibule-outbound", "vestibule-secret", "vestibule-store"],
    ),
    (
        "vestibule-gateway",
        &[
            "vestibule-audit",
            "vestibule-guard",
            "vestibule-mcp",
            "vestibule-oauth",
            "vestibule-openapi",
            "vestibule-outbound",
            "vestibule-secret",
            "vestibule-signature",
            "vestibule-store",
            "vestibule-vault",
        ],
    ),
    (
        "vestibule-console",
        &[
            "vestibule-audit",
            "vestibule-authorization-server",
            "vestibule-client",
            "vestibule-guard",
            "vestibule-oauth",
            "vestibule-outbound",
            "vestibule-secret",
            "vestibule-store",
            "vestibule-vault",
        ],
    ),
    (
        "vestibule",
        &[
            "vestibule-audit",
            "vestibule-authorization-server",
            "vestibule-client",
            "vestibule-console",
            "vestibule-gateway",
            "vestibule-guard",
            "vestibule-mcp",
            "vestibule-oauth",
            "vestibule-openapi",
            "vestibule-outbound",
            "vestibule-secret",
            "vestibule-signature",
            "vestibule-store",
            "vestibule-vault",
        ],
    ),
    ("vestibule-example-rmcp-server", &["vestibule-guard", "vestibule-oauth", "vestibule-outbound"]),
    ("xtask", &[]),
];

#[test]
fn arrows_only_point_down() {
    let used = uses();
    let known: Vec<_> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (name, uses) in &used {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{name} has no place among {known:?}"));
        let strangers: Vec<_> = uses.iter().filter(|used| !allowed.contains(&used.as_str())).collect();
        assert!(strangers.is_empty(), "{name} must not use {strangers:?}");
    }
    assert_eq!(used.len(), ARROWS.len());
}

/// What each package of the workspace uses of the workspace, tests included.
fn uses() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(clients::repository())
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a workspace has packages");
    packages.iter().map(|package| (name(package), inner_dependencies(package))).collect()
}

/// A dependency of the workspace has a path, every other one a source.
fn inner_dependencies(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().expect("a package lists its dependencies");
    dependencies.iter().filter(|dependency| dependency["path"].is_string()).map(name).collect()
}

fn name(value: &Value) -> String {
    value["name"].as_str().expect("everything in the metadata has a name").to_owned()
}
