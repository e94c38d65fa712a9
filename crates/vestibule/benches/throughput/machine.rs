//! Which core does what.

use std::{
    ffi::OsStr,
    process::{self, Command, Stdio},
};

/// The core of the server and of its limits.
const SERVER_CORE: &str = "0";
/// The core of the load.
const LOAD_CORE: &str = "1";

/// Puts this process, with every thread it starts from now on, on the core of the load.
pub(crate) fn pin_this_process() {
    let status = Command::new("taskset")
        .args(["-p", "-c", LOAD_CORE, &process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the benchmark needs two cores and the program taskset (package util-linux)"
    );
}

/// A program on the core of the server. Its process id is the child's.
pub(crate) fn on_server_core(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CORE]).arg(program);
    command
}
