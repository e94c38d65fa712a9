//! The real binary, running for one test.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
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

/// What differs from `vestibule serve --demo` on an empty embedded database and a free port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The URL under which people and clients reach the server.
    pub(crate) public_url: Option<String>,
    /// The database, as `--database` takes it.
    pub(crate) database: Option<String>,
    /// The configuration file.
    pub(crate) configuration: Option<String>,
    /// What is logged, as `VESTIBULE_LOG` takes it.
    pub(crate) log: Option<&'static str>,
    /// The data directory of another server: both are nodes of one installation.
    pub(crate) data_directory: Option<PathBuf>,
    /// Variables of the environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running `vestibule serve --demo`; it ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// What comes on stdout after the one line, once the process has ended.
    rest_of_stdout: Mutex<mpsc::Receiver<String>>,
    directory: TempDir,
    data: PathBuf,
    address: SocketAddr,
    issuer: String,
}

impl Server {
    /// Starts the binary and waits for its one line on stdout.
    pub(crate) fn start(settings: &Settings) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let log = File::create(directory.path().join("stderr")).expect("the log can be created");
        let mut child = command(settings, &directory).stderr(log).spawn().expect("the binary starts");
        let stdout = first_line_and_rest(&mut child);
        let line = stdout.recv_timeout(READY_WITHIN).unwrap_or_default();
        let Some(address) = listening_address(&line) else {
            let _ = child.kill();
            let log = fs::read_to_string(directory.path().join("stderr")).unwrap_or_default();
            panic!("the server does not say where it listens but {line:?}; its log:\n{log}");
        };
        let data = data_directory(settings, &directory);
        let issuer = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Self { child, rest_of_stdout: Mutex::new(stdout), directory, data, address, issuer }
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

    /// Where the keyring is, and the embedded database.
    pub(crate) fn data_directory(&self) -> PathBuf {
        self.data.clone()
    }

    /// What the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).expect("the log can be read")
    }

    /// The log once it says this: what is told at the start is told after the line on stdout.
    pub(crate) async fn log_with(&self, told: &str) -> String {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.log().contains(told) {
            assert!(Instant::now() < deadline, "no {told:?} in:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.log()
    }

    /// Where the configuration file is.
    pub(crate) fn configuration_file(&self) -> PathBuf {
        self.directory.path().join("vestibule.toml")
    }

    /// Gives the server another configuration file, in one step. It has one from [`Settings::configuration`].
    pub(crate) fn reconfigure(&self, configuration: &str) {
        let aside = self.directory.path().join("vestibule.toml.new");
        fs::write(&aside, configuration).expect("the configuration can be written");
        fs::rename(aside, self.configuration_file()).expect("and put in its place");
    }

    /// Asks the server to read its configuration again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends the process a signal, such as `-STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let asked = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the process gets the signal");
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end, and does not wait for it.
    pub(crate) fn ask_to_end(&self) {
        self.signal("-TERM");
    }

    /// Whether the process ends by itself and well within this time.
    pub(crate) fn ended(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.success();
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Resident memory in bytes.
    pub(crate) fn resident_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a running process has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it uses memory");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("its size is a number") * 1024
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        http_client::send(self.address, request).await
    }

    /// Ends the process and gives what it wrote to stdout after the one line.
    pub(crate) fn stop(&mut self) -> String {
        self.end();
        let rest = self.rest_of_stdout.get_mut().expect("no holder of the lock panics");
        rest.recv_timeout(STOPPED_WITHIN).expect("stdout ends with the process")
    }

    /// Ends the process with no chance to do anything first.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Asks the process to end, and kills it when it does not.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
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

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn data_directory(settings: &Settings, directory: &TempDir) -> PathBuf {
    settings.data_directory.clone().unwrap_or_else(|| directory.path().join("data"))
}

fn command(settings: &Settings, directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data_directory(settings, directory));
    if let Some(configuration) = &settings.configuration {
        let file = directory.path().join("vestibule.toml");
        fs::write(&file, configuration).expect("the configuration can be written");
        command.arg("--config").arg(file);
    }
    if let Some(log) = settings.log {
        command.env("VESTIBULE_LOG", log);
    }
    if let Some(public_url) = &settings.public_url {
        command.args(["--public-url", public_url]);
    }
    if let Some(database) = &settings.database {
        command.args(["--database", database]);
    }
    command.envs(settings.environment.iter().map(|(name, value)| (name, value)));
    command.env("VESTIBULE_DEMO_PASSWORD", PASSWORD).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The first line of stdout as soon as it is there, then everything else once stdout has ended.
fn first_line_and_rest(child: &mut Child) -> mpsc::Receiver<String> {
    let stdout = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let (mut line, mut rest) = (String::new(), String::new());
        // Nobody receives any more when the line came too late, or when the test does not ask for the rest.
        let _ = stdout.read_line(&mut line).map(|_| sender.send(line));
        let _ = stdout.read_to_string(&mut rest).map(|_| sender.send(rest));
    });
    receiver
}

/// The address in `listening on http://ADDRESS`.
fn listening_address(line: &str) -> Option<SocketAddr> {
    line.trim_end().strip_prefix("listening on http://")?.parse().ok()
}
