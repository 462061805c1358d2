//! What carries requests: who can read them on the way, and how long the certificates last.

use keyward_config::settings::DEFAULT_UPSTREAM;
use keyward_config::{Settings, UpstreamUrl};
use std::net::IpAddr;

use super::facts::{Facts, Tls};
use super::rules::finding;
use super::{Finding, Kind};

/// A certificate that ends within this many days is to be renewed now.
const SOON: i64 = 14;
/// A day in seconds.
const DAY: i64 = 86_400;

fn with_settings(facts: &Facts, rule: impl FnOnce(&Settings) -> Vec<Finding>) -> Vec<Finding> {
    facts.settings.as_ref().map(rule).unwrap_or_default()
}

pub(super) fn tls_off(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let server = &settings.server;
        if server.host.is_loopback() || server.socket.is_some() || server.tls.require {
            return Vec::new();
        }
        let (place, what, advice) = if server.tls.enabled {
            let what = "whoever forgets the s of https sends keys and tokens for everybody on the way to read";
            ("server.tls.require", what.to_owned(), "`require: true` refuses plain HTTP")
        } else {
            let what =
                format!("keys and tokens come to {} over plain HTTP, for everybody on the way to read", server.host);
            let advice = "switch `server.tls` on, or let a proxy with TLS stand before it and listen on 127.0.0.1";
            ("server.host", what, advice)
        };
        vec![finding((Kind::Weak, "tls-off"), facts.place(place), what, advice)]
    })
}

fn with_tls(facts: &Facts, rule: impl FnOnce(&Tls) -> Vec<Finding>) -> Vec<Finding> {
    facts.tls.as_ref().map(rule).unwrap_or_default()
}

pub(super) fn tls_unusable(facts: &Facts) -> Vec<Finding> {
    with_tls(facts, |tls| {
        let one = |why: &String| {
            let advice = "mend the file; a running server goes on with what it read before, and cannot start anew";
            finding((Kind::Wrong, "tls-unusable"), facts.place("server.tls"), why, advice)
        };
        tls.fault.iter().map(one).collect()
    })
}

pub(super) fn tls_key_readable(facts: &Facts) -> Vec<Finding> {
    with_tls(facts, |tls| {
        let one = |(key, mode): &(String, u32)| {
            let what = format!("everybody on this machine can read the private key (mode {mode:04o})");
            finding(
                (Kind::Wrong, "tls-key-readable"),
                key,
                what,
                "`chmod o-rwx` it; if others use this machine, replace it",
            )
        };
        tls.readable.iter().map(one).collect()
    })
}

pub(super) fn tls_ends(facts: &Facts) -> Vec<Finding> {
    with_tls(facts, |tls| {
        let one = |(name, left): &(String, i64)| match left {
            left if *left <= 0 => {
                let what = "the certificate has expired; no caller should believe it";
                Some(finding(
                    (Kind::Wrong, "tls-expired"),
                    name,
                    what,
                    "renew it; the server reads the files again by itself",
                ))
            }
            left if *left <= SOON * DAY => {
                let what = format!("the certificate expires within {} days", left / DAY + 1);
                Some(finding((Kind::Weak, "tls-expires-soon"), name, what, "renew it, and see why nobody did"))
            }
            _ => None,
        };
        tls.ends.iter().filter_map(one).collect()
    })
}

pub(super) fn upstream_reach(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let mut found = Vec::new();
        for (name, upstream) in settings.upstreams() {
            let section = if name == DEFAULT_UPSTREAM { "upstream".to_owned() } else { format!("upstreams.{name}") };
            if upstream.addresses().next().is_none() {
                let what = "the built-in demo answers; no API is behind Keyward";
                let advice = "`--upstream URL` puts yours there";
                found.push(finding((Kind::Weak, "demo-upstream"), facts.place("upstream.url"), what, advice));
            }
            let of_url = upstream.url.iter().map(|url| (url, "url"));
            for (url, key) in of_url.chain(upstream.urls.iter().map(|url| (url, "urls"))) {
                found.extend(reach(&facts.place(&format!("{section}.{key}")), url, upstream.headers.is_empty()));
            }
        }
        found
    })
}

/// What can be said of one address.
fn reach(place: &str, url: &UpstreamUrl, has_no_headers: bool) -> Vec<Finding> {
    let local = is_local(url);
    let (what, advice) = if local {
        (
            "whoever has an account on this machine can call the API without Keyward",
            "give the API a key that only Keyward sends (upstream.headers)",
        )
    } else {
        (
            "whether callers can reach the API itself cannot be seen from here; whoever can walks around Keyward",
            "let only this machine connect to it (firewall, network policy), and give it a key that only Keyward sends (upstream.headers)",
        )
    };
    let mut found = Vec::new();
    if has_no_headers || !local {
        found.push(finding((Kind::Weak, "upstream-reach-unknown"), place, what, advice));
    }
    if !local && matches!(url, UpstreamUrl::Http(_) | UpstreamUrl::H2c(_)) {
        let what = "identity headers and upstream.headers go to another machine over plain HTTP";
        let advice = "let the API speak TLS and write https://, or keep that network to yourself";
        found.push(finding((Kind::Weak, "upstream-plain"), place, what, advice));
    }
    found
}

fn is_local(url: &UpstreamUrl) -> bool {
    // A socket file has no host.
    url.host_and_port().is_none_or(|(host, _)| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
