//! What `login`, `tools`, `call` and `logout` have in common: the server, the token directory, and how far requests
//! may go.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;
use client::{Client, PreRegistered, Settings, TokenStore};
use etcetera::BaseStrategy as _;
use mcp::Implementation;
use oauth::{ResourceIndicator, Scope};
use outbound::{Egress, Network, guard::Class};
use secret::Secret;
use url::{Host, Url};

use super::exit::{Exit, Stop};
use crate::{clock::SystemClock, entropy::SystemEntropy};

/// What to do about a certificate that is not believed; nothing turns the question off.
pub(super) const UNTRUSTED: &str = "the server needs a certificate for this host that is valid today; an authority of your own is trusted \
     when this machine trusts it, or when SSL_CERT_FILE names its certificate";

/// The server, and where its tokens are.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The URL of the MCP server.
    pub(crate) url: String,
    /// Where tokens are kept (default: vestibule/client in the platform's data directory).
    #[arg(long, value_name = "DIR", env = "VESTIBULE_TOKEN_DIR")]
    pub(crate) token_dir: Option<PathBuf>,
}

/// How to log in, when a login is needed.
#[derive(Debug, Default, Args)]
pub(crate) struct LoginOptions {
    /// Print the URL of the login page instead of opening a browser.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Ask for these scopes instead of those the server suggests, separated by spaces.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// The identifier of a client that was registered by hand.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// A file with the secret of that client.
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// The only authorization server that may see that client's credentials.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(crate) issuer: Option<String>,
    /// The https URL of a client ID metadata document to be known by.
    #[arg(long, value_name = "URL")]
    pub(crate) client_metadata_url: Option<String>,
}

/// A client that is ready to talk to the server.
pub(crate) struct Connection {
    pub(crate) server: ResourceIndicator,
    pub(crate) client: Client,
}

impl Connection {
    /// Reads the URL, decides how far requests may go, and opens the token store.
    pub(crate) async fn open(server: &Server, settings: Settings) -> anyhow::Result<Self> {
        let url = client::server_url(&server.url).map_err(|error| {
            Stop::usage(format!("'{}' is no MCP server's URL: {error}", client::printable(&server.url)))
                .hint("write it with its scheme, for example https://mcp.example/mcp")
        })?;
        let directory = server.token_dir.clone().map_or_else(default_directory, Ok)?;
        let client = Client::new(
            outbound::Client::new(egress(&url).await?),
            TokenStore::at(directory),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy::new()),
            settings,
        );
        Ok(Self { server: url, client })
    }

    /// What an MCP server may call us.
    pub(crate) fn implementation() -> Implementation {
        Implementation {
            name: "vestibule".to_owned(),
            title: Some("Vestibule".to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl LoginOptions {
    /// The settings of the client; reads the secret from its file.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let scope = self.scope.as_deref().map(Scope::parse).transpose();
        let scope = scope.map_err(|error| Stop::usage(format!("--scope: {error}")))?;
        let secret = self.client_secret_file.as_ref().map(|path| {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the client secret from {}", path.display()));
            text.map(|text| Secret::from(text.trim_end_matches(['\r', '\n'])))
        });
        let pre_registered = match &self.client_id {
            Some(client_id) => Some(PreRegistered {
                client_id: client_id.clone(),
                client_secret: secret.transpose()?,
                issuer: self.issuer.clone(),
            }),
            None => None,
        };
        Ok(Settings {
            client_name: "Vestibule".to_owned(),
            metadata_document: self.client_metadata_url.clone(),
            pre_registered,
            scope,
        })
    }
}

/// An error of the client as the end of a command, with what to do about it.
pub(crate) fn stopped(error: &client::Error, server: &Server) -> anyhow::Error {
    let url = client::printable(&server.url);
    let stop = |exit| Stop::new(exit, error.to_string());
    let stop = match error {
        client::Error::LoginRequired(_) => {
            stop(Exit::LoginRequired).hint(format!("run `vestibule login {url}`"))
        }
        client::Error::Registration(client::RegistrationError::NotOffered { .. }) => stop(Exit::Failure)
            .hint(format!("run `vestibule login {url} --client-id ID --client-secret-file FILE`")),
        client::Error::Authorization(client::AuthorizationError::TimedOut) => {
            stop(Exit::Failure).hint("start again and sign in with the page that opens")
        }
        client::Error::Outbound(outbound::Error::Connect { reason, .. })
            if reason.contains("certificate") =>
        {
            stop(Exit::Failure).hint(UNTRUSTED)
        }
        client::Error::Outbound(outbound::Error::Connect { .. } | outbound::Error::Unresolved { .. }) => {
            stop(Exit::Failure).hint("check the URL, and whether the server runs")
        }
        _ => stop(Exit::Failure),
    };
    stop.into()
}

fn default_directory() -> Result<PathBuf, Stop> {
    let platform = etcetera::choose_base_strategy().map_err(|_| {
        Stop::usage("this account has no home directory to keep tokens in").hint("add --token-dir DIR")
    })?;
    Ok(platform.data_dir().join("vestibule").join("client"))
}

/// How far requests may go: the host that the person typed decides.
pub(super) async fn egress(server: &ResourceIndicator) -> anyhow::Result<Egress> {
    let url = Url::parse(server.as_str()).context("the server's URL cannot be read")?;
    Ok(match url.host() {
        Some(Host::Ipv4(address)) => egress_for(server, &[address.into()]),
        Some(Host::Ipv6(address)) => egress_for(server, &[address.into()]),
        Some(Host::Domain("localhost")) => Egress::public().with_loopback(),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, 443)).await;
            let addresses: Vec<IpAddr> =
                found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
            egress_for(server, &addresses)
        }
        None => Egress::public(),
    })
}

/// A server on this computer may use this computer, a server in a private network that network. A name that has a
/// public address opens nothing: else whoever owns the name could send us wherever it resolves to.
fn egress_for(server: &ResourceIndicator, addresses: &[IpAddr]) -> Egress {
    let is_public = |address: &IpAddr| Class::of(*address) == Class::Public;
    if addresses.is_empty() || addresses.iter().any(is_public) {
        return Egress::public();
    }
    let host = Url::parse(server.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned));
    let egress = host.map_or_else(Egress::public, |host| Egress::public().with_host(&host));
    addresses.iter().fold(egress, |egress, address| match Class::of(*address) {
        Class::Loopback => egress.with_loopback(),
        Class::Private => {
            private_network(*address).map_or(egress.clone(), |network| egress.with_network(network))
        }
        _ => egress,
    })
}

/// The private block that an address lies in (RFC 1918, RFC 4193).
fn private_network(address: IpAddr) -> Option<Network> {
    let blocks: [(IpAddr, u8); 4] = [
        (Ipv4Addr::new(10, 0, 0, 0).into(), 8),
        (Ipv4Addr::new(172, 16, 0, 0).into(), 12),
        (Ipv4Addr::new(192, 168, 0, 0).into(), 16),
        (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0).into(), 7),
    ];
    let networks = blocks.into_iter().filter_map(|(base, prefix)| Network::new(base, prefix).ok());
    networks.into_iter().find(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `target` may be reached over TLS by a command for `typed`, which resolves to `addresses`.
    fn reaches(typed: &str, addresses: &[&str], target: &str) -> bool {
        let server = client::server_url(typed).unwrap();
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        egress_for(&server, &addresses).judge("other.test", target.parse().unwrap(), true).is_ok()
    }

    #[test]
    fn md_10_the_typed_host_decides_how_far_requests_go() {
        let rows: [(&str, &[&str], &str, bool); 13] = [
            ("https://a.test", &["8.8.8.8"], "9.9.9.9", true),
            ("https://a.test", &["8.8.8.8"], "127.0.0.1", false),
            ("https://a.test", &["8.8.8.8"], "10.0.0.1", false),
            ("https://a.test", &["8.8.8.8", "10.0.0.1"], "10.0.0.1", false),
            ("https://a.test", &["8.8.8.8", "127.0.0.1"], "127.0.0.1", false),
            ("https://a.test", &[], "127.0.0.1", false),
            ("https://a.corp", &["10.0.0.1"], "10.9.9.9", true),
            ("https://a.corp", &["10.0.0.1"], "192.168.0.1", false),
            ("https://a.corp", &["10.0.0.1"], "127.0.0.1", false),
            ("https://a.corp", &["fd12::1"], "fd00:ec2::254", false),
            ("http://127.0.0.1:1", &["127.0.0.1"], "127.0.0.1", true),
            ("http://127.0.0.1:1", &["127.0.0.1"], "169.254.169.254", false),
            ("https://169.254.169.254", &["169.254.169.254"], "169.254.169.254", false),
        ];
        for (typed, addresses, target, expected) in rows {
            assert_eq!(reaches(typed, addresses, target), expected, "{typed} {addresses:?} {target}");
        }
    }

    #[test]
    fn a_typed_host_in_shared_address_space_is_reached_itself() {
        let server = client::server_url("https://box.tailnet.test").unwrap();
        let address: IpAddr = "100.64.0.7".parse().unwrap();
        let egress = egress_for(&server, &[address]);
        assert!(egress.judge("box.tailnet.test", address, true).is_ok());
        assert!(egress.judge("other.test", address, true).is_err());
    }
}
