//! The configuration file.

use std::{fs, net::SocketAddr, path::Path, path::PathBuf};

use serde::Deserialize;

use super::{
    access_keys::AccessKeys,
    audit::Audit,
    connections::Connections,
    gateway::Gateway,
    issuer::Issuer,
    lifetimes::Lifetimes,
    limits::Limits,
    lock::LockFile,
    policy::Compiled,
    provider::Provider,
    registration::Registration,
    resource::Resource,
    server::{Account, Server},
    team::Team,
    telemetry::{LogFormat, Measured},
};
use crate::cli::exit::Stop;

/// The keys of the file. Every one may be missing; an unknown one is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    /// `listen`: see [`super::network::Network`].
    pub(super) listen: Option<SocketAddr>,
    /// `public_url`: see [`super::network::Network`].
    pub(super) public_url: Option<String>,
    /// `demo`: see [`super::network::Network`].
    pub(super) demo: Option<bool>,
    /// `data_dir`: see [`super::storage::Storage`].
    pub(super) data_dir: Option<PathBuf>,
    /// `database`: see [`super::storage::Storage`].
    pub(super) database: Option<String>,
    /// `log`: see [`super::telemetry::Telemetry`].
    pub(super) log: Option<String>,
    /// `log_format`: see [`super::telemetry::Telemetry`].
    pub(super) log_format: LogFormat,
    /// `[telemetry]`
    pub(super) telemetry: Measured,
    /// `[connections]`
    pub(super) connections: Connections,
    /// `[lifetimes]`
    #[serde(with = "Lifetimes")]
    pub(super) lifetimes: authorization_server::Lifetimes,
    /// `[registration]`
    #[serde(with = "Registration")]
    pub(super) registration: authorization_server::RegistrationPolicy,
    /// `[limits]`
    pub(super) limits: Limits,
    /// `[policy]`
    pub(super) policy: Compiled,
    /// `[lock]`
    pub(super) lock: LockFile,
    /// `[gateway]`
    pub(super) gateway: Gateway,
    /// `[audit]`
    pub(super) audit: Audit,
    /// `watch`: whether a change of this file is taken over without being asked to. Default `true`.
    pub(super) watch: Option<bool>,
    /// `[[issuer]]`
    pub(super) issuer: Vec<Issuer>,
    /// `[access_keys]`
    pub(super) access_keys: AccessKeys,
    /// `[[account]]`
    pub(super) account: Vec<Account>,
    /// `[[provider]]`
    pub(super) provider: Vec<Provider>,
    /// `[[team]]`
    pub(super) team: Vec<Team>,
    /// `[[server]]`
    pub(super) server: Vec<Server>,
    /// `[[resource]]`
    pub(super) resource: Vec<Resource>,
}

impl File {
    fn holds_secret(&self) -> bool {
        self.database.as_deref().is_some_and(super::storage::has_password)
            || self.issuer.iter().any(|issuer| issuer.introspection.is_some())
            || self.provider.iter().any(Provider::has_secret_in_the_file)
    }
}

/// Reads the file at `path`; with its text.
pub(super) fn read(path: &Path) -> Result<(File, String), Stop> {
    let text = fs::read_to_string(path).map_err(|error| {
        Stop::usage(format!("the configuration file {} cannot be read: {error}", path.display()))
    })?;
    let file = read_text(path, &text)?;
    if file.holds_secret() && is_readable_by_others(path) {
        eprintln!("warning: {} holds a password and others can read it\nhint: chmod 600 {0}", path.display());
    }
    Ok((file, text))
}

/// Reads the text of the file at `path`.
pub(super) fn read_text(path: &Path, text: &str) -> Result<File, Stop> {
    parse(text).map_err(|message| Stop::usage(format!("{}:{message}", path.display())))
}

/// Reads the text of a file; the message begins with the line it is about.
fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("{}: {}", before.matches('\n').count() + 1, error.message())
    })
}

/// The same error with file and line before it, when it is about a server of the file.
pub(super) fn located(error: anyhow::Error, path: &Path, text: &str) -> anyhow::Error {
    match error.downcast::<Stop>() {
        Ok(stop) => {
            stop.located(|name| Some(format!("{}:{}", path.display(), line_of_server(text, name)?))).into()
        }
        Err(error) => error,
    }
}

/// Where the server called `name` begins; the last one, when it is there twice.
fn line_of_server(text: &str, name: &str) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let servers = document.get("server")?.as_array_of_tables()?;
    let is_called =
        |server: &&toml_edit::Table| server.get("name").and_then(toml_edit::Item::as_str) == Some(name);
    let server = servers.iter().filter(is_called).last()?;
    Some(text.get(..server.span()?.start)?.matches('\n').count() + 1)
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}
