//! Header names: the ones of Keyward's own, and the rule by which a client's spelling of one is recognised.

use http::HeaderName;
use keyward_core::fields::Name;

/// On every denial: the decision's id.
pub const DECISION: HeaderName = HeaderName::from_static("keyward-decision");
/// On the answer of a change: which nodes refuse or know it already.
pub const RECEIPT: HeaderName = HeaderName::from_static("keyward-receipt");
/// The caller, then the proxies that it came through.
pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The host that the caller asked for.
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// How the caller spoke.
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hop-by-hop fields (RFC 9110 §7.6.1, and the ones RFC 2616 §13.5.1 named): never passed on.
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which somebody before us claims a path, a method or an address. All are removed, whoever sent them; what was
/// verified is written anew.
pub const CLAIMS: [&str; 20] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "fly-client-ip",
    "x-azure-clientip",
    "x-appengine-user-ip",
    "x-cluster-client-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-envoy-original-path",
    "x-envoy-external-address",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Collapsed beginnings of further such names: whole families, of which somebody always invents one more.
const CLAIMED_FAMILIES: [&str; 3] = ["xforwarded", "xoriginal", "xrewrite"];

/// Whether a name, in any spelling, is of a family of claims.
pub fn is_of_claimed_family(name: Name<'_>) -> bool {
    CLAIMED_FAMILIES.iter().any(|family| {
        let mut letters = collapse(name.as_bytes());
        family.bytes().all(|byte| letters.next() == Some(byte))
    })
}

/// Whether a value can be `uri-host [ ":" port ]` (RFC 9110 §7.2). Sub-delimiters, which no host name has, are refused too.
pub fn is_host(value: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(byte);
    let is_literal = |byte: &u8| *byte == b':' || is_name(byte);
    let (host, port) = match value.strip_prefix(b"[") {
        Some(rest) => {
            let end = rest.iter().position(|byte| !is_literal(byte)).unwrap_or(rest.len());
            let (inside, rest) = rest.split_at(end);
            let Some(port) = rest.strip_prefix(b"]") else { return false };
            (inside, port)
        }
        None => value.split_at(value.iter().position(|byte| !is_name(byte)).unwrap_or(value.len())),
    };
    let is_port = port.is_empty() || port.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit));
    !host.is_empty() && is_port
}

/// `x-api-key` as people write it: `X-API-Key`.
pub fn display_name(name: &str) -> String {
    name.split('-')
        .map(|word| {
            if word == "api" {
                return word.to_ascii_uppercase();
            }
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        })
        .collect::<Vec<String>>()
        .join("-")
}

/// A name without case and without every non-alphanumeric: `X_Api.Key` and `x-api-key` collapse alike. Upstreams that
/// turn header names into variables (CGI, RFC 3875 §4.1.18) cannot tell such spellings apart, so neither do we.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Collapsed(Box<str>);

impl Collapsed {
    fn of(name: &str) -> Self {
        Self(collapse(name.as_bytes()).map(char::from).collect::<String>().into())
    }

    /// Whether a name collapses to this. Allocates nothing.
    fn is(&self, name: Name<'_>) -> bool {
        collapse(name.as_bytes()).eq(self.0.bytes())
    }
}

/// Whether two names collapse alike. Allocates nothing.
pub fn collapse_alike(one: Name<'_>, other: &str) -> bool {
    collapse(one.as_bytes()).eq(collapse(other.as_bytes()))
}

fn collapse(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

/// A set of collapsed names, asked for every header of every request.
#[derive(Clone, Debug, Default)]
pub struct CollapsedSet {
    names: Vec<(u32, Collapsed)>,
    /// Bit n: some member's digest ends in n. Most headers are let go by this alone.
    some: [u64; 4],
}

impl CollapsedSet {
    /// From names in any spelling.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self::default();
        for name in names {
            let digest = digest(Name::from(name));
            let (word, bit) = place(digest);
            if let Some(bits) = set.some.get_mut(word) {
                *bits |= bit;
            }
            set.names.push((digest, Collapsed::of(name)));
        }
        set
    }

    /// Whether a name, in any spelling, is one of them.
    pub fn contains(&self, name: Name<'_>) -> bool {
        let digest = digest(name);
        let (word, bit) = place(digest);
        self.some.get(word).is_some_and(|bits| bits & bit != 0)
            && self.names.iter().any(|(one, collapsed)| *one == digest && collapsed.is(name))
    }
}

/// Of a collapsed name: what differs here differs, and what does not must be compared.
fn digest(name: Name<'_>) -> u32 {
    collapse(name.as_bytes())
        .fold(0, |digest: u32, byte| (digest ^ u32::from(byte)).wrapping_mul(0x9e37_79b1).rotate_left(13))
}

/// Where a digest's bit is.
fn place(digest: u32) -> (usize, u64) {
    ((digest >> 6 & 3) as usize, 1 << (digest & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_claims() {
        for name in ["x-forwarded-for", "X_Forwarded_Anything", "x-original-host", "x-rewrite-url", "xForwardedFor"] {
            assert!(is_of_claimed_family(name.into()), "{name}");
        }
        for name in ["x-forward", "x-origin", "x-request-id", "origin", "x", ""] {
            assert!(!is_of_claimed_family(name.into()), "{name}");
        }
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        let set = CollapsedSet::new(["Keyward-Principal", "X-Api-Key"]);
        for spelling in ["keyward-principal", "Keyward_Principal", "KEYWARD.PRINCIPAL", "keywardprincipal", "x_api_key"]
        {
            assert!(set.contains(spelling.into()), "{spelling}");
        }
        for other in ["keyward-principals", "x-api-keys", "keyward", ""] {
            assert!(!set.contains(other.into()), "{other}");
        }
    }
}
