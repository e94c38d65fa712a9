//! The real binary, running for one test.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use http::Request;
use hyper::body::Bytes;
use tempfile::TempDir;

use crate::http_client::{self, Answer};

/// The user that demo mode seeds.
pub(crate) const USERNAME: &str = "demo";
/// The password that the tests give to that user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// What differs from `vestibule serve --demo` on an empty SQLite database and a free port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The URL under which people and clients reach the server.
    pub(crate) public_url: Option<String>,
    /// The database, as `--database` takes it.
    pub(crate) database: Option<String>,
}

/// A running `vestibule serve --demo`; it ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    directory: TempDir,
    address: SocketAddr,
    issuer: String,
}

impl Server {
    /// Starts the binary and waits for its one line on stdout.
    pub(crate) fn start(settings: &Settings) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let log = File::create(directory.path().join("stderr")).expect("the log can be created");
        let mut child = command(settings, &directory).stderr(log).spawn().expect("the binary starts");
        let Some(address) = listening_address(&mut child) else {
            let _ = child.kill();
            let log = fs::read_to_string(directory.path().join("stderr")).unwrap_or_default();
            panic!("the server does not say where it listens; its log:\n{log}");
        };
        let issuer = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Self { child, directory, address, issuer }
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The issuer: the public URL, without a slash at the end.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The demo MCP server.
    pub(crate) fn mcp_url(&self) -> String {
        format!("{}/mcp/demo", self.issuer)
    }

    /// What the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).expect("the log can be read")
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        http_client::send(self.address, request).await
    }
}

impl Drop for Server {
    /// Asks the process to end, and kills it when it does not.
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + STOPPED_WITHIN;
        while asked.is_ok() && Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(settings: &Settings, directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path().join("data"));
    if let Some(public_url) = &settings.public_url {
        command.args(["--public-url", public_url]);
    }
    if let Some(database) = &settings.database {
        command.args(["--database", database]);
    }
    command.env("VESTIBULE_DEMO_PASSWORD", PASSWORD).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The address in `listening on http://ADDRESS`, or nothing when the process ends or takes too long.
fn listening_address(child: &mut Child) -> Option<SocketAddr> {
    let stdout = child.stdout.take()?;
    let (sender, first_line) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // The receiver is gone when the line came too late.
        let _ = sender.send(read.map(|_| line));
    });
    let line = first_line.recv_timeout(READY_WITHIN).ok()?.ok()?;
    line.trim_end().strip_prefix("listening on http://")?.parse().ok()
}
