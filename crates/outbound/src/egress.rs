//! Where requests may go: the policy beside [`guard`](crate::guard)'s facts. Pure.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use crate::guard::Class;

/// Which addresses may be reached. The default is public addresses only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    loopback: bool,
    hosts: BTreeSet<String>,
    networks: Vec<Network>,
}

impl Egress {
    /// Public addresses only.
    pub fn public() -> Self {
        Self::default()
    }

    /// Allows loopback addresses too, and with them plain `http` (to loopback only).
    #[must_use]
    pub fn with_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Allows whatever addresses `host` resolves to, except link-local and metadata addresses.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.insert(normalized(host));
        self
    }

    /// Allows the addresses of `network`. A link-local or metadata address is allowed only by a network that names
    /// this one address (prefix `/32` or `/128`).
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.networks.push(network);
        self
    }

    /// Judges one address of `host`; `encrypted` says whether the connection will be TLS.
    pub fn judge(&self, host: &str, address: IpAddr, encrypted: bool) -> Result<(), Refusal> {
        let class = Class::of(address);
        if !encrypted && class != Class::Loopback {
            return Err(Refusal::PlainHttp);
        }
        let by_class = class == Class::Public || (class == Class::Loopback && self.loopback);
        if by_class || self.by_network(address, class) || self.by_host(host, class) {
            return Ok(());
        }
        Err(Refusal::Address(class))
    }

    fn by_network(&self, address: IpAddr, class: Class) -> bool {
        let delicate = matches!(class, Class::LinkLocal | Class::Metadata);
        self.networks
            .iter()
            .any(|network| network.contains(address) && (!delicate || network.is_one_address()))
    }

    fn by_host(&self, host: &str, class: Class) -> bool {
        !matches!(class, Class::LinkLocal | Class::Metadata) && self.hosts.contains(&normalized(host))
    }
}

/// Host names are compared in lower case and without the root's dot.
fn normalized(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Why a connection is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address is of a class that the policy does not allow.
    #[error("it is {}", .0.describe())]
    Address(Class),
    /// `http` to something that is not loopback.
    #[error("plain http is only used on loopback")]
    PlainHttp,
}

/// A block of addresses in CIDR notation, such as `10.0.0.0/8` or `fd12:3456::/32`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of `prefix` leading bits around `address`; bits behind the prefix are ignored.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let base = address.to_canonical();
        if u32::from(prefix) > width(base) {
            return Err(NetworkError);
        }
        Ok(Self { base, prefix })
    }

    /// Whether `address` lies in this network. An IPv4-mapped IPv6 address counts as the IPv4 address.
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.base) && self.leading(address) == self.leading(self.base)
    }

    fn is_one_address(self) -> bool {
        u32::from(self.prefix) == width(self.base)
    }

    fn leading(self, address: IpAddr) -> u128 {
        let (bits, width) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        bits.checked_shr(width - u32::from(self.prefix)).unwrap_or(0)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Parses `ADDRESS/PREFIX`, or `ADDRESS` alone for that single address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| NetworkError)?.to_canonical();
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NetworkError)?,
            None if address.is_ipv4() => 32,
            None => 128,
        };
        Self::new(address, prefix)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.base, self.prefix)
    }
}

/// The text is not a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network such as 10.0.0.0/8 or fd12:3456::/32")]
pub struct NetworkError;

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(egress: &Egress, host: &str, address: &str, encrypted: bool) -> Result<(), Refusal> {
        egress.judge(host, address.parse().unwrap(), encrypted)
    }

    #[test]
    fn public_only_by_default() {
        let egress = Egress::public();
        assert_eq!(judge(&egress, "a.test", "8.8.8.8", true), Ok(()));
        assert_eq!(judge(&egress, "a.test", "8.8.8.8", false), Err(Refusal::PlainHttp));
        assert_eq!(judge(&egress, "a.test", "127.0.0.1", true), Err(Refusal::Address(Class::Loopback)));
        assert_eq!(judge(&egress, "a.test", "10.1.2.3", true), Err(Refusal::Address(Class::Private)));
        assert_eq!(
            judge(&egress, "a.test", "169.254.169.254", true),
            Err(Refusal::Address(Class::LinkLocal))
        );
    }

    #[test]
    fn loopback_when_allowed_also_without_tls() {
        let egress = Egress::public().with_loopback();
        assert_eq!(judge(&egress, "localhost", "127.0.0.1", false), Ok(()));
        assert_eq!(judge(&egress, "localhost", "::1", false), Ok(()));
        assert_eq!(judge(&egress, "localhost", "::ffff:127.0.0.1", false), Ok(()));
        assert_eq!(judge(&egress, "localhost", "0.0.0.0", false), Err(Refusal::PlainHttp));
        assert_eq!(judge(&egress, "x", "10.0.0.1", true), Err(Refusal::Address(Class::Private)));
    }

    #[test]
    fn an_allowed_host_may_be_private_but_never_link_local() {
        let egress = Egress::public().with_host("Intranet.Example.");
        assert_eq!(judge(&egress, "intranet.example", "10.0.0.1", true), Ok(()));
        assert_eq!(judge(&egress, "intranet.example.", "10.0.0.1", true), Ok(()));
        assert_eq!(judge(&egress, "intranet.example", "10.0.0.1", false), Err(Refusal::PlainHttp));
        assert!(judge(&egress, "intranet.example", "169.254.169.254", true).is_err());
        assert!(judge(&egress, "other.example", "10.0.0.1", true).is_err());
    }

    #[test]
    fn an_allowed_network_does_not_bring_metadata_along() {
        let egress = Egress::public()
            .with_network("fc00::/7".parse().unwrap())
            .with_network("169.254.0.0/16".parse().unwrap())
            .with_network("10.0.0.0/8".parse().unwrap());
        assert_eq!(judge(&egress, "x", "10.255.0.1", true), Ok(()));
        assert_eq!(judge(&egress, "x", "::ffff:10.0.0.1", true), Ok(()));
        assert_eq!(judge(&egress, "x", "fd12::1", true), Ok(()));
        assert_eq!(judge(&egress, "x", "fd00:ec2::254", true), Err(Refusal::Address(Class::Metadata)));
        assert_eq!(judge(&egress, "x", "169.254.169.254", true), Err(Refusal::Address(Class::LinkLocal)));
        let named = egress.with_network("169.254.169.254".parse().unwrap());
        assert_eq!(judge(&named, "x", "169.254.169.254", true), Ok(()));
        assert!(judge(&named, "x", "169.254.169.253", true).is_err());
    }

    #[test]
    fn networks_are_parsed_and_compared() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.200.0.1"));
        assert!(contains("10.99.1.2/8", "10.200.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "1.2.3.4"));
        assert!(!contains("0.0.0.0/0", "2606::1"));
        assert!(contains("::/0", "2606::1"));
        assert!(contains("10.1.2.3", "10.1.2.3"));
        assert!(!contains("10.1.2.3", "10.1.2.4"));
        for malformed in ["", "10.0.0.0/33", "10.0.0.0/", "::/129", "host/8", "10.0.0.0/-1"] {
            assert_eq!(malformed.parse::<Network>(), Err(NetworkError), "{malformed}");
        }
    }
}
