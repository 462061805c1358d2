//! What routes are made of: patterns, scopes, networks, words.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use keyward_core::address::{AddressRules, parse_network};
use keyward_core::algorithm::Algorithm;
use keyward_core::guarding::Disclose;
use keyward_core::limit::{LimitFields, OnFault, Per};
use keyward_core::path::Oddities;
use keyward_core::route::{Pattern, Several};
use keyward_core::scheme::CredentialKind;
use keyward_core::scope::{Scope, ScopeSet};
use schemars::{Schema, json_schema};

use super::{FromText, Leaf, Ready, words};

words!(Several: "refuse" => Self::Refuse, "first" => Self::First);
words!(Per:
    "key" => Self::Key,
    "principal" => Self::Principal,
    "account" => Self::Account,
    "address" => Self::Address,
    "route" => Self::Route,
);
words!(Disclose: "possessor" => Self::Possessor, "nobody" => Self::Nobody);
words!(OnFault: "deny" => Self::Deny, "allow" => Self::Allow);
words!(LimitFields:
    "ietf" => Self::Ietf,
    "x-ratelimit" => Self::Legacy,
    "both" => Self::Both,
    "none" => Self::None,
);
words!(Algorithm:
    "EdDSA" => Self::EdDsa,
    "ES256" => Self::Es256,
    "RS256" => Self::Rs256,
    "HS256" => Self::Hs256,
);
words!(CredentialKind:
    "api_key" => Self::ApiKey,
    "jwt" => Self::Jwt,
    "webhook" => Self::Webhook,
    "basic" => Self::Basic,
    "session" => Self::Session,
);

impl FromText for Pattern {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("is not a path pattern\n{error}"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^/" })
    }
}

impl FromText for Scope {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("is not a scope\n{error}"))
    }
}

impl Ready for ScopeSet {
    type Written = Vec<Leaf<Scope>>;

    fn ready(written: Self::Written) -> Self {
        written.into_iter().map(Scope::ready).collect()
    }
}

impl FromText for IpAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let instead = if text == "localhost" { "127.0.0.1" } else { "127.0.0.1, 0.0.0.0, ::1 or ::" };
            format!("is not an IP address\nwrite {instead}")
        })
    }
}

impl FromText for IpNet {
    fn from_text(text: &str) -> Result<Self, String> {
        parse_network(text).map_err(|why| format!("is not a network\n{why}"))
    }
}

impl FromText for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('\0') {
            Err("is not a path of a file system".to_owned())
        } else {
            Ok(text.into())
        }
    }
}

/// A spelling of paths that a route may allow.
#[derive(Clone, Copy)]
pub(crate) enum Oddity {
    Semicolon,
    EncodedSlash,
    EmptySegment,
}

words!(Oddity:
    "semicolon" => Self::Semicolon,
    "encoded-slash" => Self::EncodedSlash,
    "empty-segment" => Self::EmptySegment,
);

impl Ready for Oddities {
    type Written = Vec<Leaf<Oddity>>;

    fn ready(written: Self::Written) -> Self {
        let mut all = Self::default();
        for oddity in written {
            match Oddity::ready(oddity) {
                Oddity::Semicolon => all.semicolon = true,
                Oddity::EncodedSlash => all.encoded_slash = true,
                Oddity::EmptySegment => all.empty_segment = true,
            }
        }
        all
    }
}

/// Two lists of networks as they are written.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Addresses")]
pub(crate) struct WrittenAddresses {
    /// Addresses and CIDRs let in; empty means everybody.
    allow: Vec<Leaf<IpNet>>,
    /// Addresses and CIDRs kept out, whatever `allow` says.
    deny: Vec<Leaf<IpNet>>,
}

impl Ready for AddressRules {
    type Written = WrittenAddresses;

    fn ready(written: WrittenAddresses) -> Self {
        Self { allow: Vec::ready(written.allow), deny: Vec::ready(written.deny) }
    }
}
