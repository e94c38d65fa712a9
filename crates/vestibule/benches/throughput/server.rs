//! The real binary, on its core.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    load::{self, Client},
    machine::{self, Pace},
    requests::Fixed,
};

pub(crate) const USERNAME: &str = "demo";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a user would have switched on is on. The limits on strangers are out of the way: the load comes from one
/// address. Codes live for as long as it takes to collect some thousands of them.
const CONFIGURATION: &str = r#"
[connections]
threads = 1
[limits]
registrations_per_address = 1000000
registrations = 1000000
authorization_requests_per_address = 1000000
[lifetimes]
authorization_code = "1h"
"#;

/// A running `vestibule serve --demo`; it is killed with the value.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    ready_after: Duration,
    directory: PathBuf,
}

/// A directory for a server, with its configuration and what is `added` to it.
pub(crate) fn directory(added: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    fs::write(directory.path().join("vestibule.toml"), format!("{CONFIGURATION}{added}"))
        .expect("a file can be written");
    directory
}

impl Server {
    /// Starts the binary and waits until it says that it is ready.
    pub(crate) async fn start(directory: &Path) -> Self {
        Self::start_in(&[], directory).await
    }

    /// Starts the binary as the last argument of another command line.
    pub(crate) async fn start_in(around: &[&str], directory: &Path) -> Self {
        let began = Instant::now();
        let command = [around, &[env!("CARGO_BIN_EXE_vestibule")]].concat();
        let mut child = machine::on_server_core(command[0])
            .args(&command[1..])
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--config"])
            .arg(directory.join("vestibule.toml"))
            .arg("--data-dir")
            .arg(directory.join("data"))
            .env("VESTIBULE_DEMO_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.join("stderr")).expect("a file can be made"))
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("stdout can be read");
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("the server says {line:?}, not where it listens"));
        let ready = Fixed::new("GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n", 200).times(1);
        load::run(address, vec![ready], Duration::from_secs(10)).await;
        Self { child, address, ready_after: began.elapsed(), directory: directory.to_owned() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// From the start of the process to the 200 of `/ready`.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a running process has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it uses memory");
        let kib: u32 = line.trim().trim_end_matches(" kB").parse().expect("its size is a number");
        f64::from(kib) / 1024.0
    }

    /// How fast it answers these clients, who are given back.
    pub(crate) async fn run<C: Client>(&self, clients: Vec<C>, duration: Duration) -> (Vec<C>, Pace) {
        machine::pace((self.child.id(), self.address), clients, duration).await
    }
}

impl Server {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "the server runs until it is asked to end");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
