//! What kind of address is this? A pure classification after the IANA special-purpose address registries
//! (RFC 6890), used to refuse server-side request forgery.
//!
//! Everything that is not plainly global unicast is *not* [`Class::Public`]: a range that is missing here is
//! refused, not reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an IP address, as far as reaching it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Global unicast.
    Public,
    /// This computer: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network: RFC 1918 and unique local addresses (RFC 4193).
    Private,
    /// `169.254.0.0/16`, `fe80::/10`: neighbours on the link, among them the metadata services of clouds.
    LinkLocal,
    /// A cloud's metadata or control service outside the link-local ranges.
    Metadata,
    /// An IPv6 address that carries an IPv4 address through a translator: NAT64, 6to4, Teredo.
    Translated,
    /// Shared, multicast, documentation, benchmarking, broadcast, reserved or deprecated.
    Special,
}

impl Class {
    /// Classifies `address`. An IPv4-mapped IPv6 address is the IPv4 address it carries.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// The class in words, for error messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Translated => "an address behind an IPv6 translator",
            Self::Special => "a special-purpose address",
        }
    }
}

/// Metadata services that hide in ranges of another class: Alibaba Cloud, Oracle Cloud, Azure.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];

/// The same for IPv6: AWS (`fd00:ec2::/32`) and Google Cloud (`fd20:ce::/32`).
const METADATA_V6: [[u16; 2]; 2] = [[0xfd00, 0x0ec2], [0xfd20, 0x00ce]];

fn of_v4(address: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&address) {
        return Class::Metadata;
    }
    match address.octets() {
        [127, ..] => Class::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private,
        [169, 254, ..] => Class::LinkLocal,
        // "This network" (RFC 791), multicast (RFC 5771), reserved and broadcast (RFC 1112, RFC 8190).
        [0 | 224..=255, ..]
        // Shared address space (RFC 6598), benchmarking (RFC 2544).
        | [100, 64..=127, ..]
        | [198, 18..=19, ..]
        // IETF protocol assignments (RFC 6890), documentation (RFC 5737), deprecated 6to4 relay (RFC 7526).
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _] => Class::Special,
        _ => Class::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Class {
    let segments = address.segments();
    if METADATA_V6.contains(&[segments[0], segments[1]]) {
        return Class::Metadata;
    }
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        [0xfc00..=0xfdff, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        // NAT64 (RFC 6052) and its local-use prefix (RFC 8215), Teredo (RFC 4380), 6to4 (RFC 3056).
        [0x0064, 0xff9b, 0..=1, ..] | [0x2001, 0, ..] | [0x2002, ..] => Class::Translated,
        // IETF protocol assignments (RFC 2928), documentation (RFC 3849, RFC 9637).
        [0x2001, 0x0001..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Class::Special,
        // The only block of IPv6 from which global unicast addresses are given out (RFC 4291, IANA).
        [0x2000..=0x3fff, ..] => Class::Public,
        // Unspecified, IPv4-compatible, site-local (fec0::/10), multicast, segment routing, unassigned.
        _ => Class::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rg_19_every_notation_of_a_special_address_has_its_class() {
        let rows = [
            ("93.184.216.34", Class::Public),
            ("8.8.8.8", Class::Public),
            ("172.15.255.255", Class::Public),
            ("172.32.0.1", Class::Public),
            ("100.63.255.255", Class::Public),
            ("100.128.0.0", Class::Public),
            ("198.17.255.255", Class::Public),
            ("223.255.255.255", Class::Public),
            ("127.0.0.1", Class::Loopback),
            ("127.255.255.254", Class::Loopback),
            ("10.0.0.1", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.31.255.255", Class::Private),
            ("192.168.1.1", Class::Private),
            ("169.254.169.254", Class::LinkLocal),
            ("100.64.0.1", Class::Special),
            ("100.127.255.255", Class::Special),
            ("100.100.100.200", Class::Metadata),
            ("168.63.129.16", Class::Metadata),
            ("192.0.0.192", Class::Metadata),
            ("192.0.0.8", Class::Special),
            ("192.0.2.1", Class::Special),
            ("192.88.99.1", Class::Special),
            ("198.18.0.1", Class::Special),
            ("198.19.255.255", Class::Special),
            ("198.51.100.7", Class::Special),
            ("203.0.113.7", Class::Special),
            ("0.0.0.0", Class::Special),
            ("0.1.2.3", Class::Special),
            ("224.0.0.1", Class::Special),
            ("239.255.255.255", Class::Special),
            ("240.0.0.1", Class::Special),
            ("255.255.255.255", Class::Special),
            ("2606:2800:220:1::1", Class::Public),
            ("2a00:1450::1", Class::Public),
            ("::1", Class::Loopback),
            ("::ffff:127.0.0.1", Class::Loopback),
            ("::ffff:10.0.0.1", Class::Private),
            ("::ffff:169.254.169.254", Class::LinkLocal),
            ("::ffff:8.8.8.8", Class::Public),
            ("fc00::1", Class::Private),
            ("fd12:3456::1", Class::Private),
            ("fd00:ec2::254", Class::Metadata),
            ("fd20:ce::254", Class::Metadata),
            ("fe80::1", Class::LinkLocal),
            ("febf::1", Class::LinkLocal),
            ("64:ff9b::7f00:1", Class::Translated),
            ("64:ff9b:1::a9fe:a9fe", Class::Translated),
            ("2002:7f00:1::", Class::Translated),
            ("2001::1", Class::Translated),
            ("2001:0:4136:e378::1", Class::Translated),
            ("2001:2::1", Class::Special),
            ("2001:10::1", Class::Special),
            ("2001:db8::1", Class::Special),
            ("3fff:fff::1", Class::Special),
            ("::", Class::Special),
            ("::127.0.0.1", Class::Special),
            ("fec0::1", Class::Special),
            ("feff::1", Class::Special),
            ("ff02::1", Class::Special),
            ("ff0e::1", Class::Special),
            ("5f00::1", Class::Special),
            ("4000::1", Class::Special),
        ];
        for (address, expected) in rows {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Class::of(address), expected, "{address}");
        }
    }
}
