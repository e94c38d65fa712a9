//! Where the server is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use oauth::Issuer;

use crate::cli::exit::Stop;

/// Listens on this computer only until somebody decides otherwise.
pub(super) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where the server listens and what it calls itself.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// `listen`, `--listen`, `VESTIBULE_LISTEN`: address and port; port 0 picks a free one.
    /// Default `127.0.0.1:8080`.
    pub(crate) listen: SocketAddr,
    /// `public_url`, `--public-url`, `VESTIBULE_PUBLIC_URL`: the issuer, and the beginning of every URL that
    /// is handed out; never taken from a request. Default: the address, when that is a loopback one.
    pub(crate) public_url: Option<String>,
    /// `demo`, `--demo`, `VESTIBULE_DEMO`: a seeded user and the demo MCP server; only on loopback.
    /// Default `false`.
    pub(crate) demo: bool,
}

impl Network {
    /// Refuses what would not be safe or would not work, before anything is opened.
    pub(super) fn check(&self) -> Result<(), Stop> {
        let issuer = self.public_url.as_deref().map(read_issuer).transpose()?;
        let is_loopback = self.listen.ip().is_loopback();
        if self.demo
            && !(is_loopback && issuer.as_ref().is_none_or(|issuer| is_on_this_computer(issuer.as_str())))
        {
            return Err(Stop::usage("the demo has a well-known user, so it runs on this computer only")
                .hint("leave out --listen and --public-url, or leave out --demo"));
        }
        if issuer.is_none() && !is_loopback {
            let message = format!(
                "other computers can reach {}, and the server does not know under which URL they do",
                self.listen
            );
            return Err(Stop::usage(message).hint(
                "add --public-url https://…: clients compare it byte by byte, so it is never guessed from a request",
            ));
        }
        Ok(())
    }

    /// The issuer, once the socket is bound to `bound`.
    pub(crate) fn issuer(&self, bound: SocketAddr) -> Result<Issuer, Stop> {
        read_issuer(&self.public_url.clone().unwrap_or_else(|| format!("http://{bound}")))
    }
}

fn read_issuer(url: &str) -> Result<Issuer, Stop> {
    Issuer::parse(url).map_err(|error| Stop::usage(format!("the public URL {url} cannot be used: {error}")))
}

/// Whether a URL names this computer, whatever asks.
pub(crate) fn is_on_this_computer(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, public_url: Option<&str>, demo: bool, accepted: bool) {
        let network =
            Network { listen: listen.parse().unwrap(), public_url: public_url.map(str::to_owned), demo };
        assert_eq!(network.check().is_ok(), accepted, "{network:?}");
    }

    #[test]
    fn op_01_only_this_computer_without_being_told() {
        check("127.0.0.1:8080", None, false, true);
        check("[::1]:0", None, false, true);
        check("0.0.0.0:8080", None, false, false);
        check("192.0.2.1:8080", None, false, false);
        check("0.0.0.0:8080", Some("https://vestibule.example"), false, true);
    }

    #[test]
    fn op_06_the_public_url_is_https_or_here() {
        check("127.0.0.1:8080", Some("http://vestibule.example"), false, false);
        check("127.0.0.1:8080", Some("https://vestibule.example/?x"), false, false);
        check("127.0.0.1:8080", Some("http://localhost:8080"), false, true);
    }

    #[test]
    fn the_demo_stays_here() {
        check("127.0.0.1:8080", None, true, true);
        check("127.0.0.1:8080", Some("http://localhost:8080"), true, true);
        check("127.0.0.1:8080", Some("https://vestibule.example"), true, false);
        check("127.0.0.1:8080", Some("https://localhost.vestibule.example"), true, false);
        check("0.0.0.0:8080", Some("http://localhost:8080"), true, false);
        check("0.0.0.0:8080", None, true, false);
    }

    #[test]
    fn the_issuer_is_the_public_url_or_the_bound_address() {
        let bound = "127.0.0.1:4711".parse().unwrap();
        let mut network = Network { listen: DEFAULT_LISTEN, public_url: None, demo: false };
        assert_eq!(network.issuer(bound).unwrap().as_str(), "http://127.0.0.1:4711");
        network.public_url = Some("https://vestibule.example/t1".into());
        assert_eq!(network.issuer(bound).unwrap().as_str(), "https://vestibule.example/t1");
    }
}
