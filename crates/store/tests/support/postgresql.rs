//! A real PostgreSQL for tests, in a temporary directory, reachable through a Unix socket only.
//!
//! Include it with `#[path]`; it needs nothing but the crate `tempfile`. `initdb` refuses to run as root:
//! then everything runs as the user `postgres` that Debian's package makes.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const START_WITHIN: Duration = Duration::from_mins(1);

/// A running server. It is stopped, by its process id, when this is dropped.
pub(crate) struct Server {
    programs: PathBuf,
    directory: TempDir,
    process: Child,
    databases: AtomicU32,
}

impl Server {
    /// The server that all tests of this process share; it lives as long as anybody holds it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of its own, for tests that hurt it.
    pub(crate) fn start() -> Self {
        let programs = find_programs();
        let directory = TempDir::new().unwrap();
        if is_root() {
            chown(directory.path(), Some(id_of_postgres("-u")), Some(id_of_postgres("-g"))).unwrap();
        }
        let data = directory.path().join("data");
        run(unprivileged(&programs.join("initdb"), directory.path())
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .arg("--pgdata")
            .arg(&data));
        let process = unprivileged(&programs.join("postgres"), directory.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=200", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { programs, directory, process, databases: AtomicU32::new(0) };
        server.wait_until_ready();
        server
    }

    /// Makes an empty database and gives its URL.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(self.client("createdb").arg(&name));
        format!("postgres://postgres@{}/{name}", self.socket_directory().replace('/', "%2F"))
    }

    /// The directory of the Unix socket, whose name is `.s.PGSQL.5432`.
    pub(crate) fn socket_directory(&self) -> String {
        self.directory.path().display().to_string()
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_WITHIN;
        while !self.client("pg_isready").arg("--quiet").status().unwrap().success() {
            assert!(Instant::now() < deadline, "PostgreSQL did not start:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--username=postgres", "--host"]).arg(self.directory.path());
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    /// SIGQUIT is PostgreSQL's immediate shutdown: it skips the last checkpoint, which would sync thousands
    /// of files that are about to be deleted.
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

/// The directory of the newest server programs; empty when they are in the PATH.
fn find_programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut directories: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    directories.sort_by_key(|path| path.to_string_lossy().len());
    directories.push(PathBuf::new());
    let has_server = |directory: &PathBuf| {
        let version =
            Command::new(directory.join("postgres")).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    directories
        .into_iter()
        .rev()
        .find(has_server)
        .expect("these tests need the PostgreSQL server programs (Debian: apt install postgresql)")
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).trim() == "0"
}

fn id_of_postgres(which: &str) -> u32 {
    output(Command::new("id").args([which, "postgres"])).trim().parse().unwrap()
}

/// A command that runs without root's rights, in a directory it may enter.
fn unprivileged(program: &Path, directory: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(directory).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    output(command);
}

fn output(command: &mut Command) -> String {
    let finished = command.output().unwrap();
    assert!(finished.status.success(), "{command:?}: {}", String::from_utf8_lossy(&finished.stderr));
    String::from_utf8(finished.stdout).unwrap()
}
