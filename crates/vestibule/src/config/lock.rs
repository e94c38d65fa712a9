//! What was approved of the servers.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use gateway::lock::{Lock, LockMode, Locks, ServerLock};
use serde::Deserialize;

use super::server::{Behind, Remote, Server};
use crate::cli::exit::Stop;

/// `[lock]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LockFile {
    /// `file`: where it is written down what was approved; a relative path begins where the configuration file is.
    /// Default `"tools.lock"`.
    file: Option<PathBuf>,
}

/// `lock` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Nothing is looked at.
    Off,
    /// What is not approved is told about.
    Warn,
    /// What is not approved is quarantined.
    Enforce,
}

/// The lock file, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locked {
    /// Where it is, or will be; `None` without a configuration file.
    pub(crate) path: Option<PathBuf>,
    /// What stands in it; nothing, when it is not there.
    pub(crate) lock: Lock,
}

impl LockFile {
    /// Reads the lock that belongs to the configuration file.
    pub(super) fn read(self, configuration: Option<&Path>) -> Result<Locked, Stop> {
        const NAME: &str = "tools.lock";
        let Some(configuration) = configuration else { return Ok(Locked::default()) };
        let path = configuration.with_file_name("").join(self.file.as_deref().unwrap_or(Path::new(NAME)));
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Locked { path: Some(path), lock: Lock::default() });
            }
            text => text.map_err(|error| {
                Stop::usage(format!("the lock file {} cannot be read: {error}", path.display()))
            })?,
        };
        let lock = Lock::parse(&text).map_err(|error| {
            Stop::usage(format!("the lock file {} cannot be believed: {error}", path.display()))
                .hint("put back the version that `vestibule lock approve` wrote, or remove the file and approve again")
        })?;
        Ok(Locked { path: Some(path), lock })
    }
}

impl Locked {
    /// The locks as they are in force.
    pub(crate) fn locks(&self, servers: &[Server]) -> Result<Locks, Stop> {
        let mut locks = Vec::new();
        for server in servers {
            if let Behind::Remote(remote) = server.behind()? {
                locks.push((server.name.clone(), self.of(server, &remote)));
            }
        }
        Ok(Locks::new(locks))
    }

    fn of(&self, server: &Server, remote: &Remote) -> ServerLock {
        let approved = self.lock.server(&server.name).map(Arc::clone);
        let mode = match (server.lock, &approved) {
            (Some(Mode::Off), _) | (None, None) => LockMode::Off,
            (Some(Mode::Warn), _) => LockMode::Warn,
            // Whoever has approved something wants nothing else.
            (Some(Mode::Enforce), _) | (None, Some(_)) => LockMode::Enforce,
        };
        ServerLock { mode, endpoint: remote.endpoint(), approved }
    }
}

#[cfg(test)]
mod tests {
    use gateway::lock::Definitions;

    use super::*;
    use crate::config::{Configuration, Flags};

    fn load(directory: &Path, text: &str) -> anyhow::Result<Configuration> {
        let path = directory.join("vestibule.toml");
        fs::write(&path, text)?;
        Configuration::load(&Flags { config: Some(path), ..Flags::default() }, None)
    }

    #[test]
    fn the_lock_is_enforced_from_the_first_approval_on() {
        let directory = tempfile::tempdir().unwrap();
        let server = |more: &str| {
            format!(
                "[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"https://u:p@far.test/mcp?key=k\"\n{more}"
            )
        };
        let mode = |more: &str| {
            let configuration = load(directory.path(), &server(more)).unwrap();
            let server = &configuration.servers[0];
            let Behind::Remote(remote) = server.behind().unwrap() else { panic!("it is elsewhere") };
            let lock = configuration.lock.of(server, &remote);
            assert_eq!(lock.endpoint, "https://far.test/mcp");
            lock.mode
        };
        assert_eq!(mode(""), LockMode::Off);
        assert_eq!(mode("lock = \"warn\""), LockMode::Warn);
        assert_eq!(mode("lock = \"enforce\""), LockMode::Enforce);
        let mut lock = Lock::default();
        lock.set("far", Definitions::default());
        fs::write(directory.path().join("tools.lock"), lock.text()).unwrap();
        assert_eq!(mode(""), LockMode::Enforce);
        assert_eq!(mode("lock = \"off\""), LockMode::Off);
        assert_eq!(mode("[lock]\nfile = \"elsewhere.lock\""), LockMode::Off);
    }

    #[test]
    fn up_02_a_lock_that_cannot_be_believed_is_no_configuration() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("tools.lock"), "{}").unwrap();
        let told = load(directory.path(), "").unwrap_err().to_string();
        assert!(told.contains("tools.lock cannot be believed: missing field"), "{told}");
    }
}
