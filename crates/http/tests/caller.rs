//! Who calls, by table, and by what a caller may write in front of what trusted proxies write.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_core::address::parse_network;
use keyward_http::caller::{CallerFault, ClientAddress, TrustedProxies};
use proptest::prelude::*;

const XFF: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

fn proxies(networks: &str, header: ClientAddress) -> TrustedProxies {
    TrustedProxies::new(networks.split_whitespace().map(|text| parse_network(text).unwrap()).collect(), header)
}

fn headers(lines: &[(&str, Vec<u8>)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

#[test]
fn caller_table() {
    for row in include_str!("tables/callers.txt").lines() {
        if row.starts_with('#') || row.trim().is_empty() {
            continue;
        }
        let [trusted, peer, lines, expected] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
            unreachable!("four columns: {row}")
        };
        let (header, trusted) = match trusted.strip_prefix("forwarded:") {
            Some(trusted) => (ClientAddress::Forwarded, trusted),
            None => (ClientAddress::XForwardedFor, trusted),
        };
        let lines: Vec<(&str, Vec<u8>)> = lines
            .split(" / ")
            .filter(|line| *line != "-")
            .map(|line| line.split_once(": ").map(|(name, value)| (name, value.as_bytes().to_vec())).unwrap())
            .collect();
        let got = proxies(trusted, header).caller(peer.parse().unwrap(), &headers(&lines));
        let got = got.map_or_else(|fault| format!("{fault:?}"), |caller| caller.address.to_string());
        assert_eq!(got, expected, "{row}");
    }
}

#[test]
fn hops_without_end_are_refused() {
    let trusted = proxies("0.0.0.0/1 10.0.0.0/8", ClientAddress::XForwardedFor);
    let chain = |count: usize| headers(&[(XFF, vec!["10.0.0.2"; count].join(", ").into_bytes())]);
    let peer = "10.0.0.1".parse().unwrap();
    assert!(trusted.caller(peer, &chain(32)).is_ok());
    assert_eq!(trusted.caller(peer, &chain(33)), Err(CallerFault::TooMany));
    let untrusted_far_left = [b"192.0.2.1, ".repeat(5000), b"192.0.2.7, 10.0.0.2".to_vec()].concat();
    let caller = trusted.caller(peer, &headers(&[(XFF, untrusted_far_left)])).unwrap();
    assert_eq!(caller.address.to_string(), "192.0.2.7");
}

/// What a field may hold, quotes, commas and escapes more often than chance has it.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(b"\",;\\=[]: ".to_vec());
    let visible = prop_oneof![3 => telling, 5 => 0x20..0x7fu8, 1 => 0x80..=0xffu8, 1 => Just(b'\t')];
    let bytes = prop::collection::vec(visible, 0..40);
    let plausible = prop::sample::select(vec![
        "10.0.0.1",
        "192.0.2.66",
        "for=10.0.0.1",
        "for=192.0.2.66",
        "for=\"[::1]:80\"",
        "unknown",
        "::1",
        "",
    ]);
    prop_oneof![bytes, plausible.prop_map(|text| text.as_bytes().to_vec())]
}

fn any_untrusted() -> impl Strategy<Value = IpAddr> {
    let address = prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)];
    let address = address.prop_map(|address: IpAddr| address.to_canonical());
    address.prop_filter("untrusted", |address| !matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10))
}

proptest! {
    /// Trusted proxies append what they see; whatever came in front of it, in the same line or in lines before, the answer
    /// is the one without it.
    #[test]
    fn a_spoofed_prefix_never_changes_the_answer(
        caller in any_untrusted(),
        between in prop::collection::vec(0..=255u8, 0..4),
        spoofed in prop::collection::vec(any_value(), 1..4),
        as_forwarded in any::<bool>(),
        one_line in any::<bool>(),
    ) {
        let (header, name) = match as_forwarded {
            true => (ClientAddress::Forwarded, FORWARDED),
            false => (ClientAddress::XForwardedFor, XFF),
        };
        let element = |address: IpAddr| match (as_forwarded, address) {
            (false, address) => address.to_string(),
            (true, IpAddr::V4(address)) => format!("for={address};proto=https;host=\"a:1\""),
            (true, IpAddr::V6(address)) => format!("for=\"[{address}]:443\""),
        };
        let hops = between.iter().map(|last| element(IpAddr::from([10, 0, 0, *last])));
        let honest: Vec<String> = std::iter::once(element(caller)).chain(hops).collect();
        let honest = honest.join(", ").into_bytes();
        let mut lines: Vec<(&str, Vec<u8>)> = spoofed.into_iter().map(|value| (name, value)).collect();
        match (one_line, lines.last_mut()) {
            (true, Some((_, last))) => last.extend([b", ".to_vec(), honest.clone()].concat()),
            _ => lines.push((name, honest.clone())),
        }
        // The other header is never read.
        let other = if as_forwarded { (XFF, b"10.9.9.9".to_vec()) } else { (FORWARDED, b"for=10.9.9.9".to_vec()) };
        lines.push(other);
        let trusted = proxies("10.0.0.0/8", header);
        let peer = "10.1.1.1".parse().unwrap();
        let got = trusted.caller(peer, &headers(&lines));
        prop_assert_eq!(&got, &trusted.caller(peer, &headers(&[(name, honest)])));
        prop_assert_eq!(got.unwrap().address, caller);
    }

    /// Whoever is not trusted is the caller, whatever it writes.
    #[test]
    fn a_stranger_is_never_somebody_else(peer in any_untrusted(), values in prop::collection::vec(any_value(), 0..4)) {
        let lines: Vec<(&str, Vec<u8>)> = values.into_iter().map(|value| (XFF, value)).collect();
        let got = proxies("10.0.0.0/8", ClientAddress::XForwardedFor).caller(peer, &headers(&lines)).unwrap();
        prop_assert_eq!(got.address, peer);
    }
}
