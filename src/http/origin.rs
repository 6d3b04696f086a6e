//! Whom an address belongs to, as far as strangers are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The part of an IPv6 address that its holder can't choose: everyone is given at least 64 bits to choose from.
const NETWORK: u128 = !(u64::MAX as u128);

/// An IPv4 address, however it is written, or the network of an IPv6 address.
pub(super) fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        IpAddr::V4(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_ipv6_network_is_one_and_an_ipv4_address_is_itself() {
        let of = |address: &str| origin(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::1"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
