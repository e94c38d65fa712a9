//! Configuration: one struct per subject, each field's documentation names its key, default and unit.
//!
//! A value comes from the first of: flag, environment, file, default. [`Flags`] holds the first two (clap reads the
//! environment twins), [`file::File`] the third.

pub(crate) mod access_keys;
pub(crate) mod audit;
pub(crate) mod connections;
mod duration;
pub(crate) mod edit;
mod file;
pub(crate) mod fixed;
pub(crate) mod gateway;
pub(crate) mod issuer;
pub(crate) mod lifetimes;
pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod network;
mod policy;
pub(crate) mod provider;
pub(crate) mod registration;
pub(crate) mod resource;
pub(crate) mod secret_source;
pub(crate) mod server;
pub(crate) mod storage;
pub(crate) mod team;
pub(crate) mod telemetry;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use self::{
    access_keys::AccessKeys,
    connections::Connections,
    file::File,
    gateway::Gateway,
    issuer::Issuer,
    lock::Locked,
    network::Network,
    provider::Provider,
    resource::Resource,
    server::{Account, Server, ServerKind},
    storage::Storage,
    team::Team,
    telemetry::Telemetry,
};

/// The flags that `serve` shares with the commands that work on its database, with their environment twins.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Flags {
    /// Configuration file (TOML).
    #[arg(long, env = "VESTIBULE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "VESTIBULE_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// URL under which people and clients reach the server [default: from the address, on loopback].
    #[arg(long, env = "VESTIBULE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Directory of the database and the keyring [default: the platform's data directory].
    #[arg(long, env = "VESTIBULE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://…` [default: vestibule.sqlite3 in the data directory].
    #[arg(long, env = "VESTIBULE_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Log filter, such as `info` or `warn,gateway=debug`.
    #[arg(long, env = "VESTIBULE_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// Everything that is configured.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Where the server is reached.
    pub(crate) network: Network,
    /// Where it keeps what it knows.
    pub(crate) storage: Storage,
    /// How it treats connections.
    pub(crate) connections: Connections,
    /// What it logs.
    pub(crate) telemetry: Telemetry,
    /// How long things live.
    pub(crate) lifetimes: authorization_server::Lifetimes,
    /// What strangers may register.
    pub(crate) registration: authorization_server::RegistrationPolicy,
    /// How often strangers may try.
    pub(crate) limits: authorization_server::Limits,
    /// How much users may ask for.
    pub(crate) rates: Vec<::gateway::quota::LimitSettings>,
    /// Who may do what.
    pub(crate) policy: ::gateway::policy::Policy,
    /// What was approved of the servers.
    pub(crate) lock: Locked,
    /// Who may knock at the gateway.
    pub(crate) gateway: Gateway,
    /// What the audit log holds.
    pub(crate) audit: audit::Audit,
    /// Authorization servers elsewhere whose tokens are accepted.
    pub(crate) issuers: Vec<Issuer>,
    /// How requests are signed.
    pub(crate) access_keys: AccessKeys,
    /// The accounts that servers may belong to.
    pub(crate) accounts: Vec<Account>,
    /// Systems at which users have accounts.
    pub(crate) providers: Vec<Provider>,
    /// People who share credentials.
    pub(crate) teams: Vec<Team>,
    /// The MCP servers behind the gateway.
    pub(crate) servers: Vec<Server>,
    /// The resources that guard themselves.
    pub(crate) resources: Vec<Resource>,
    /// `watch`: whether a change of the file is taken over without being asked to. Default `true`.
    pub(crate) watch: bool,
}

impl Configuration {
    /// Reads the configuration for `flags`; `demo` is the flag `--demo`, if it was given.
    pub(crate) fn load(flags: &Flags, demo: Option<bool>) -> anyhow::Result<Self> {
        let Some(path) = &flags.config else { return Self::of(flags, demo, File::default()) };
        let (file, text) = file::read(path)?;
        Self::of(flags, demo, file).map_err(|error| file::located(error, path, &text))
    }

    /// The same as if `text` were in the file at `path`.
    pub(crate) fn of_text(
        flags: &Flags,
        demo: Option<bool>,
        path: &Path,
        text: &str,
    ) -> anyhow::Result<Self> {
        let file = file::read_text(path, text)?;
        Self::of(flags, demo, file).map_err(|error| file::located(error, path, text))
    }

    fn of(flags: &Flags, demo: Option<bool>, file: File) -> anyhow::Result<Self> {
        let demo = demo.or(file.demo).unwrap_or(false);
        let network = Network {
            listen: flags.listen.or(file.listen).unwrap_or(network::DEFAULT_LISTEN),
            public_url: flags.public_url.clone().or(file.public_url),
            demo,
        };
        network.check()?;
        let (metrics, traces) = (file.telemetry.metrics()?, file.telemetry.traces()?);
        let mut servers = file.server;
        let has_demo = |servers: &[Server]| servers.iter().any(|server| server.kind == ServerKind::Demo);
        if demo && !has_demo(&servers) {
            servers.insert(0, Server::demo());
        }
        if let Some(directory) = flags.config.as_deref().and_then(Path::parent) {
            for server in &mut servers {
                server.relative_to(directory);
            }
        }
        server::check(&servers, &file.account)?;
        issuer::check(&file.issuer, &servers)?;
        resource::check(&file.resource)?;
        provider::check(&file.provider, &servers)?;
        team::check(&file.team, &servers)?;
        let policy = file.policy.for_servers(&servers)?;
        let mut registration = file.registration;
        registration.client_credentials |= demo;
        Ok(Self {
            network,
            storage: Storage::new(
                flags.data_dir.clone().or(file.data_dir),
                flags.database.clone().or(file.database),
            )?,
            connections: file.connections,
            telemetry: Telemetry {
                filter: flags
                    .log
                    .clone()
                    .or(file.log)
                    .unwrap_or_else(|| crate::telemetry::DEFAULT_FILTER.into()),
                format: file.log_format,
                metrics,
                traces,
            },
            lifetimes: file.lifetimes,
            registration,
            limits: file.limits.of_strangers(),
            rates: file.limits.of_users()?,
            policy,
            lock: file.lock.read(flags.config.as_deref())?,
            gateway: file.gateway,
            audit: file.audit,
            issuers: file.issuer,
            access_keys: file.access_keys,
            accounts: file.account,
            providers: file.provider,
            teams: file.team,
            servers,
            resources: file.resource,
            watch: file.watch.unwrap_or(true),
        })
    }
}

/// Whether a name can stand in a URL and in a file as it is: lower-case letters, digits and hyphens, at most 64.
fn is_plain_name(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    is_plain && (1..=64).contains(&text.len())
}

#[cfg(test)]
mod tests;
