//! What the configuration means: who passes unasked, and what could be tighter.

use std::net::IpAddr;
use std::time::Duration;

use keyward_config::settings::DEFAULT_UPSTREAM;
use keyward_config::{Mistake, Settings, UpstreamUrl};
use keyward_core::address::IpNet;
use keyward_core::path::Oddities;
use keyward_core::route::Several;
use secrecy::ExposeSecret as _;

use super::facts::Facts;
use super::rules::finding;
use super::{Finding, Kind};

/// A key shorter than this can be guessed or is a word: 256 bits as characters of base 64 are 43, of 16 random bytes 22.
const SHORT: usize = 32;
/// A network of proxies that is wider than this holds others, too: 4,096 addresses, or one site.
const NARROW_V4: u8 = 20;
const NARROW_V6: u8 = 48;
/// A token that lives longer than this is a key.
const LONG_TOKEN: Duration = Duration::from_secs(24 * 3600);

fn with_settings(facts: &Facts, rule: impl FnOnce(&Settings) -> Vec<Finding>) -> Vec<Finding> {
    facts.settings.as_ref().map(rule).unwrap_or_default()
}

fn told(class: (Kind, &'static str), mistake: &Mistake) -> Finding {
    let line = mistake.line.map(|line| format!(":{line}")).unwrap_or_default();
    let column = mistake.column.map(|column| format!(":{column}")).unwrap_or_default();
    let advice = if mistake.help.is_empty() { "mend it".to_owned() } else { mistake.help.join("; ") };
    finding(class, format!("{}{line}{column}", mistake.origin), mistake.message.clone(), &advice)
}

pub(super) fn config_mistakes(facts: &Facts) -> Vec<Finding> {
    facts.mistakes.iter().map(|mistake| told((Kind::Wrong, "config-mistake"), mistake)).collect()
}

pub(super) fn config_warnings(facts: &Facts) -> Vec<Finding> {
    facts.warnings.iter().map(|warning| told((Kind::Weak, "config-warning"), warning)).collect()
}

pub(super) fn public_routes(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let public = settings.routes.iter().enumerate().filter(|(_, route)| route.public);
        let one = |(place, route): (usize, &keyward_config::settings::Route)| {
            let what = format!("route \"{}\" lets everybody through without a credential", route.name);
            let advice = "meant for documents and health checks; else take `public: true` away";
            finding((Kind::Open, "public-route"), facts.place(&format!("routes[{place}].public")), what, advice)
        };
        public.map(one).collect()
    })
}

pub(super) fn open_if_none(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let keys = &settings.security.api_keys;
        if !keys.open_if_none {
            return Vec::new();
        }
        let what = if keys.static_keys.is_empty() {
            "there is no static key, so every route is open to everybody"
        } else {
            "every route would be open to everybody without the static keys"
        };
        let place = facts.place("security.api_keys.open_if_none");
        vec![finding((Kind::Open, "open-if-none"), place, what, "set it to false; make a key for each caller")]
    })
}

pub(super) fn proxies_too_wide(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let narrow = |network: &IpNet| match network {
            IpNet::V4(network) => network.prefix_len() >= NARROW_V4,
            IpNet::V6(network) => network.prefix_len() >= NARROW_V6,
        };
        let wide = settings.server.trusted_proxies.iter().enumerate().filter(|(_, network)| !narrow(network));
        let one = |(place, network): (usize, &IpNet)| {
            let what = format!("whoever calls from {network} may say that it is anybody else");
            let place = facts.place(&format!("server.trusted_proxies[{place}]"));
            finding((Kind::Weak, "proxies-too-wide"), place, what, "name the addresses of the proxies themselves")
        };
        wide.map(one).collect()
    })
}

pub(super) fn tls_off(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        if settings.server.host.is_loopback() {
            return Vec::new();
        }
        let what = format!(
            "keys and tokens come to {} over plain HTTP, for everybody on the way to read",
            settings.server.host
        );
        let advice = "let a proxy with TLS stand before it and listen on 127.0.0.1, or keep the network to yourself";
        vec![finding((Kind::Weak, "tls-off"), facts.place("server.host"), what, advice)]
    })
}

pub(super) fn control_plane_exposed(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        if settings.admin.host.is_loopback() {
            return Vec::new();
        }
        let what = format!("the port for operators can be reached from elsewhere, at {}", settings.admin.host);
        vec![finding(
            (Kind::Weak, "control-plane-exposed"),
            facts.place("admin.host"),
            what,
            "listen on 127.0.0.1, or close the port to all but operators",
        )]
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
                found.extend(reach(facts.place(&format!("{section}.{key}")), url, upstream.headers.is_empty()));
            }
        }
        found
    })
}

/// What can be said of one address.
fn reach(place: String, url: &UpstreamUrl, has_no_headers: bool) -> Vec<Finding> {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
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
        found.push(finding((Kind::Weak, "upstream-reach-unknown"), place.clone(), what, advice));
    }
    if !local {
        let what = "identity headers and upstream.headers go to another machine over plain HTTP";
        found.push(finding(
            (Kind::Weak, "upstream-plain"),
            place,
            what,
            "keep that network to yourself; upstreams over TLS come with a later version",
        ));
    }
    found
}

pub(super) fn static_keys(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let mut found = Vec::new();
        for (place, key) in settings.security.api_keys.static_keys.iter().enumerate() {
            let at = |field: &str| facts.place(&format!("security.api_keys.static[{place}].{field}"));
            let length = key.key.expose_secret().len();
            if length < SHORT {
                let what = format!("the key \"{}\" has {length} bytes; a short one can be guessed", key.name);
                found.push(finding(
                    (Kind::Weak, "static-key-short"),
                    at("key"),
                    what,
                    "use 32 random bytes or more, or `keyward key create`",
                ));
            }
            if key.scopes.iter().any(|scope| scope.as_str() == "*") {
                let what = format!("the key \"{}\" may do everything and has no end", key.name);
                found.push(finding(
                    (Kind::Weak, "static-key-for-everything"),
                    at("scopes"),
                    what,
                    "name the scopes that it needs",
                ));
            }
        }
        found
    })
}

fn by_route(
    facts: &Facts,
    code: &'static str,
    field: &str,
    what: &str,
    advice: &str,
    has: impl Fn(&keyward_config::settings::Route) -> bool,
) -> Vec<Finding> {
    with_settings(facts, |settings| {
        let routes = settings.routes.iter().enumerate().filter(|(_, route)| has(route));
        let one = |(place, route): (usize, &keyward_config::settings::Route)| {
            let what = format!("route \"{}\" {what}", route.name);
            finding((Kind::Weak, code), facts.place(&format!("routes[{place}].{field}")), what, advice)
        };
        routes.map(one).collect()
    })
}

pub(super) fn credentials_go_on(facts: &Facts) -> Vec<Finding> {
    let what = "sends callers' credentials on to the API, whose logs may hold them";
    by_route(
        facts,
        "credential-kept",
        "keep_credential",
        what,
        "take it away; the API learns who calls by the identity headers",
        |route| route.keep_credential,
    )
}

pub(super) fn odd_paths(facts: &Facts) -> Vec<Finding> {
    let what = "lets path spellings through that the API may read otherwise than Keyward";
    by_route(facts, "odd-paths-allowed", "allow", what, "check how the API reads them, or take it away", |route| {
        route.allow != Oddities::default()
    })
}

pub(super) fn first_of_several(facts: &Facts) -> Vec<Finding> {
    let what = "takes the first of several credentials and is silent about the others";
    by_route(facts, "first-of-several", "several", what, "`several: refuse` tells callers of their mistake", |route| {
        route.several == Several::First
    })
}

pub(super) fn long_tokens(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        if settings.security.jwt.expiration <= LONG_TOKEN {
            return Vec::new();
        }
        let what = "services that check tokens by the JWK set alone learn of a sign-out only at a token's end, after more than a day";
        vec![finding(
            (Kind::Weak, "long-tokens"),
            facts.place("security.jwt.expiration"),
            what,
            "15m, and refresh tokens for the rest",
        )]
    })
}

pub(super) fn no_decisions(facts: &Facts) -> Vec<Finding> {
    with_settings(facts, |settings| {
        if settings.decisions.keep.is_some() {
            return Vec::new();
        }
        let what = "no decisions are kept: nobody can say afterwards what happened to a request";
        vec![finding((Kind::Weak, "decisions-off"), facts.place("decisions.keep"), what, "`keep: 30d`")]
    })
}
