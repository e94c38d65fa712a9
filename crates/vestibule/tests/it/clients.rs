//! Where `cargo xtask` has put the clients and the servers that these tests start.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directory of npm packages.
pub(crate) fn node_modules() -> PathBuf {
    installed("VESTIBULE_TEST_NODE_MODULES")
}

/// Node.js, in the version that the npm packages need.
pub(crate) fn node() -> PathBuf {
    node_modules().join(".bin/node")
}

/// The interpreter that has the official Python SDK, 1.x line.
pub(crate) fn python_1() -> PathBuf {
    installed("VESTIBULE_TEST_PYTHON_1")
}

/// The interpreter that has the official Python SDK, 2.x line.
pub(crate) fn python_2() -> PathBuf {
    installed("VESTIBULE_TEST_PYTHON_2")
}

/// The interpreter that has MCP servers.
pub(crate) fn python_servers() -> PathBuf {
    installed("VESTIBULE_TEST_PYTHON_SERVERS")
}

/// The interpreter that has `mcp-proxy-for-aws`.
pub(crate) fn python_aws() -> PathBuf {
    installed("VESTIBULE_TEST_PYTHON_AWS")
}

/// Descriptions of real APIs: npm packages in `node_modules`, Python packages in `packages`.
pub(crate) fn documents() -> PathBuf {
    installed("VESTIBULE_TEST_DOCUMENTS")
}

/// The headless browser.
pub(crate) fn chromium() -> PathBuf {
    installed("VESTIBULE_TEST_CHROMIUM")
}

/// A file below `tests/clients`.
pub(crate) fn script(path: &str) -> PathBuf {
    repository().join("tests/clients").join(path)
}

/// What the environment says, else what `cargo xtask setup` wrote down. A client that is not there
/// fails the test: a test that skips itself proves nothing.
fn installed(variable: &str) -> PathBuf {
    from_environment(variable).or_else(|| written_down(variable)).filter(|path| path.exists()).unwrap_or_else(
        || panic!("{variable} is not installed: run `cargo xtask setup`, or `cargo xtask test`"),
    )
}

fn written_down(variable: &str) -> Option<PathBuf> {
    let lines = fs::read_to_string(repository().join("target/test-clients")).ok()?;
    lines.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('=')).map(PathBuf::from)
}

fn from_environment(variable: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask test` says here where the clients are")]
    std::env::var_os(variable).map(PathBuf::from)
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/vestibule lies two levels deep")
}
