//! Client addresses and lists of them: IPv4-mapped IPv6 equals IPv4, deny wins, an empty allow list lets everybody in.

use std::net::IpAddr;

pub use ipnet::IpNet;

/// What counts as one place: an IPv4 address, or the /64 that an IPv6 address is in, of which one customer has them all.
pub fn network(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// The address that all rules see: IPv4-mapped IPv6 (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) becomes IPv4.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Reads an address or CIDR of a list; a single address is a network of one.
///
/// # Errors
/// What is wrong with the text, for the person who wrote it. A CIDR over IPv4-mapped addresses is refused when it is
/// wider than the mapped range, because `::ffff:0:0/80` would quietly mean every IPv4 address.
pub fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    const SHAPE: &str = "not an address or CIDR such as 10.0.0.5, 10.0.0.0/8 or 2001:db8::/32";
    let text = text.trim();
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => return text.parse::<IpAddr>().map(|ip| IpNet::from(canonical(ip))).map_err(|_| SHAPE),
    };
    let IpNet::V6(v6) = network else {
        return Ok(network.trunc());
    };
    let Some(mapped) = v6.addr().to_ipv4_mapped() else {
        return Ok(network.trunc());
    };
    let Some(bits) = v6.prefix_len().checked_sub(96) else {
        return Err("an IPv4-mapped CIDR shorter than /96 covers more than IPv4; write the IPv4 CIDR instead");
    };
    IpNet::new(IpAddr::V4(mapped), bits).map(|net| net.trunc()).map_err(|_| SHAPE)
}

/// Who may come from where. `allow` empty lets everybody in; `deny` wins over `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Networks let in; empty means all.
    pub allow: Vec<IpNet>,
    /// Networks kept out, whatever `allow` says.
    pub deny: Vec<IpNet>,
}

impl AddressRules {
    /// Whether a canonical address may pass.
    pub fn permits(&self, address: IpAddr) -> bool {
        let inside = |list: &[IpNet]| list.iter().any(|network| network.contains(&address));
        !inside(&self.deny) && (self.allow.is_empty() || inside(&self.allow))
    }

    /// Whether everywhere that `other` allows is allowed here. Deny lists are not compared: keys have none.
    pub fn hold(&self, other: &Self) -> bool {
        let held = |network: &IpNet| self.allow.iter().any(|wider| wider.contains(network));
        self.allow.is_empty() || (!other.allow.is_empty() && other.allow.iter().all(held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_table() {
        // allow | deny | address | passes
        for row in [
            "                      |            | 192.0.2.1         | yes",
            "10.0.0.0/8            |            | 10.1.2.3          | yes",
            "10.0.0.0/8            |            | ::ffff:10.1.2.3   | yes",
            "::ffff:10.0.0.0/104   |            | 10.1.2.3          | yes",
            "10.0.0.0/8            |            | 11.0.0.1          | no",
            "10.0.0.0/8            | 10.1.0.0/16| 10.1.2.3          | no",
            "                      | 10.1.2.3   | 10.1.2.3          | no",
            "                      | 10.1.2.3   | ::ffff:10.1.2.3   | no",
            "2001:db8::/32         |            | 2001:db8:1::9     | yes",
            "2001:db8::/32         |            | 10.0.0.1          | no",
            "10.0.0.5              |            | 10.0.0.5          | yes",
            "10.0.0.7/8            |            | 10.200.0.1        | yes",
        ] {
            let [allow, deny, address, passes] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("four columns: {row}")
            };
            let list = |text: &str| text.split_whitespace().map(|t| parse_network(t).unwrap()).collect();
            let rules = AddressRules { allow: list(allow), deny: list(deny) };
            let address = canonical(address.parse().unwrap());
            assert_eq!(rules.permits(address), passes == "yes", "{row}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in
            ["", "10.0.0.256", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.0/8", "example.com", "10.0.0.0/8/8"]
        {
            assert!(parse_network(text).is_err(), "{text:?} passed");
        }
    }
}
