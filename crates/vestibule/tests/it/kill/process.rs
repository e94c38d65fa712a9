//! The real binary on a directory of its own, to be killed.

use std::{
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::server::PASSWORD;

const STARTS_WITHIN: Duration = Duration::from_secs(20);
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// A running `vestibule serve --demo`; it is killed with the value.
pub(super) struct Process {
    child: Child,
    address: SocketAddr,
    ready_after: Duration,
    log: PathBuf,
}

/// Where the configuration of a process in `directory` stands.
pub(super) fn configuration(directory: &Path) -> PathBuf {
    directory.join("vestibule.toml")
}

impl Process {
    /// Starts the binary and waits for its one line.
    pub(super) async fn start(directory: &Path) -> Self {
        let log = directory.join("stderr");
        let began = Instant::now();
        let mut child = command(directory, &log).spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(STARTS_WITHIN, lines.next_line()).await;
        let ready_after = began.elapsed();
        let line = line.ok().and_then(Result::ok).flatten().unwrap_or_default();
        let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let said = fs::read_to_string(&log).unwrap_or_default();
        let address = address.unwrap_or_else(|| panic!("it does not listen, but says {line:?} and:\n{said}"));
        Self { child, address, ready_after, log }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it took from the start of the process to its line.
    pub(super) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// What this process and the ones before it wrote to stderr.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log can be read")
    }

    /// `SIGKILL`: the process gets no chance to finish anything.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// `SIGTERM`, and waits until the process has ended.
    pub(super) async fn stop(mut self) {
        let id = self.child.id().expect("the process has not ended by itself");
        let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        assert!(asked.is_ok_and(|status| status.success()), "the process can be asked to end");
        let ended = timeout(ENDS_WITHIN, self.child.wait()).await;
        ended.expect("the process ends when it is asked to").expect("its status can be read");
    }
}

fn command(directory: &Path, log: &Path) -> Command {
    let log = OpenOptions::new().create(true).append(true).open(log).expect("the log can be opened");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--config"])
        .arg(configuration(directory))
        .arg("--data-dir")
        .arg(directory.join("data"))
        .env("VESTIBULE_DEMO_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    command
}
