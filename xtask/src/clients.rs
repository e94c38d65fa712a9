//! The real clients that the tests let in, and the real servers behind the gateway: npm and `PyPI` packages, installed
//! once per lock file.

use std::{
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hasher as _},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{debian, environment};

/// Where everything is that the tests start, as environment variables of `cargo test`.
pub(crate) struct Clients(Vec<(&'static str, PathBuf)>);

impl Clients {
    /// The variables and their values.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.0.iter().map(|(name, path)| (*name, path.as_path()))
    }
}

/// Installs what is missing and says where everything is.
///
/// The answer is also written to `target/test-clients`, so that a plain `cargo test` finds the clients.
pub(crate) fn install() -> Result<Clients> {
    debian::install()?;
    let cache = environment::cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let (node, python_1, python_2, python_aws, servers, documents) = thread::scope(|scope| {
        let node = scope.spawn(|| install_once(&cache, &NODE));
        let documents = scope.spawn(|| install_once(&cache, &DOCUMENTS));
        let python_1 = scope.spawn(|| install_once(&cache, &PYTHON_1));
        let python_2 = scope.spawn(|| install_once(&cache, &PYTHON_2));
        let python_aws = scope.spawn(|| install_once(&cache, &PYTHON_AWS));
        let servers = scope.spawn(|| install_once(&cache, &PYTHON_SERVERS));
        let python = (joined(python_1), joined(python_2), joined(python_aws), joined(servers));
        (joined(node), python.0, python.1, python.2, python.3, joined(documents))
    });
    let chromium = environment::executable("chromium").context("chromium is not in PATH")?;
    let clients = Clients(vec![
        ("VESTIBULE_TEST_CHROMIUM", chromium),
        ("VESTIBULE_TEST_DOCUMENTS", documents?),
        ("VESTIBULE_TEST_NODE_MODULES", node?.join("node_modules")),
        ("VESTIBULE_TEST_PYTHON_1", python_1?.join("bin/python")),
        ("VESTIBULE_TEST_PYTHON_2", python_2?.join("bin/python")),
        ("VESTIBULE_TEST_PYTHON_AWS", python_aws?.join("bin/python")),
        ("VESTIBULE_TEST_PYTHON_SERVERS", servers?.join("bin/python")),
    ]);
    write_down(&clients)?;
    Ok(clients)
}

/// A set of packages from one registry.
struct Packages {
    name: &'static str,
    /// The files that pin the packages, relative to the repository; their content names the installation.
    pins: &'static [&'static str],
    install: fn(&Path) -> Result<()>,
}

const NODE: Packages = Packages {
    name: "node",
    pins: &[
        "tests/clients/node/package.json",
        "tests/clients/node/package-lock.json",
        "tests/clients/node/.npmrc",
    ],
    install: install_npm,
};
/// Descriptions of real APIs: npm packages in `node_modules`, Python packages in `packages`.
const DOCUMENTS: Packages = Packages {
    name: "documents",
    pins: &[
        "tests/clients/documents/package.json",
        "tests/clients/documents/package-lock.json",
        "tests/clients/documents/.npmrc",
        "tests/clients/python/requirements-documents.txt",
    ],
    install: install_documents,
};
const PYTHON_1: Packages = Packages {
    name: "python-1",
    pins: &["tests/clients/python/requirements-1.txt"],
    install: |directory| install_python(directory, "requirements-1.txt"),
};
const PYTHON_2: Packages = Packages {
    name: "python-2",
    pins: &["tests/clients/python/requirements-2.txt"],
    install: |directory| install_python(directory, "requirements-2.txt"),
};
const PYTHON_AWS: Packages = Packages {
    name: "python-aws",
    pins: &["tests/clients/python/requirements-aws.txt"],
    install: |directory| install_python(directory, "requirements-aws.txt"),
};
const PYTHON_SERVERS: Packages = Packages {
    name: "python-servers",
    pins: &["tests/clients/python/requirements-servers.txt"],
    install: |directory| install_python(directory, "requirements-servers.txt"),
};

/// Installs into a directory of this process and renames it when it is whole: an interrupted
/// installation is never taken for a finished one, and of two at the same time one wins.
fn install_once(cache: &Path, packages: &Packages) -> Result<PathBuf> {
    let installed = cache.join(format!("{}-{:016x}", packages.name, fingerprint(packages.pins)?));
    if installed.is_dir() {
        return Ok(installed);
    }
    eprintln!("installing test clients: {}", packages.name);
    let unfinished = cache.join(format!("{}-unfinished-{}", packages.name, process::id()));
    fs::create_dir(&unfinished).with_context(|| format!("cannot create {}", unfinished.display()))?;
    let outcome = copy_pins(packages.pins, &unfinished).and_then(|()| (packages.install)(&unfinished));
    if outcome.is_ok() && fs::rename(&unfinished, &installed).is_ok() {
        return Ok(installed);
    }
    fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
    outcome?;
    ensure!(installed.is_dir(), "cannot move the installed clients to {}", installed.display());
    Ok(installed)
}

fn fingerprint(pins: &[&str]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for pin in pins {
        let content =
            fs::read(environment::repository().join(pin)).with_context(|| format!("cannot read {pin}"))?;
        hasher.write_usize(content.len());
        hasher.write(&content);
    }
    Ok(hasher.finish())
}

fn copy_pins(pins: &[&str], directory: &Path) -> Result<()> {
    for pin in pins {
        let source = environment::repository().join(pin);
        let name = source.file_name().with_context(|| format!("{pin} has no file name"))?;
        fs::copy(&source, directory.join(name)).with_context(|| format!("cannot copy {pin}"))?;
    }
    Ok(())
}

fn install_npm(directory: &Path) -> Result<()> {
    quietly(Command::new("npm").args(["ci", "--no-progress"]).current_dir(directory))
}

/// The packages are only read, so nothing that they need to run is installed.
fn install_documents(directory: &Path) -> Result<()> {
    install_npm(directory)?;
    let environment = directory.join("environment");
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    quietly(
        Command::new(environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"])
            .arg(directory.join("packages"))
            .arg("--requirement")
            .arg(directory.join("requirements-documents.txt")),
    )
}

fn install_python(directory: &Path, requirements: &str) -> Result<()> {
    quietly(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
    quietly(
        Command::new(directory.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(directory.join(requirements)),
    )
}

/// Runs the command and shows what it said only when it failed.
fn quietly(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let arguments: Vec<OsString> = command.get_args().map(ToOwned::to_owned).collect();
    let shown = || format!("{} {}", program.display(), arguments.join(" ".as_ref()).display());
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{}` does not start", shown()))?;
    ensure!(
        output.status.success(),
        "`{}` failed:\n{}{}",
        shown(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(())
}

fn joined(thread: thread::ScopedJoinHandle<'_, Result<PathBuf>>) -> Result<PathBuf> {
    thread.join().map_err(|_| anyhow!("an installing thread panicked"))?
}

fn write_down(clients: &Clients) -> Result<()> {
    let lines: Vec<String> =
        clients.variables().map(|(name, path)| format!("{name}={}\n", path.display())).collect();
    let target = environment::repository().join("target");
    fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    let file = target.join("test-clients");
    fs::write(&file, lines.concat()).with_context(|| format!("cannot write {}", file.display()))
}
