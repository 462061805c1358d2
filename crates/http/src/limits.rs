//! The header fields that tell a caller where it stands with its limits, and how long to wait.
//!
//! `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-10: lists of structured fields
//! (RFC 9651), one item for each limit by its name. The older `X-RateLimit-*` have no standard; they tell of one limit.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::DecisionId;
use keyward_core::limit::{Limit, LimitFields, LimitId, Standing, Standings};
use keyward_core::rules::Rules;
use keyward_core::time::whole_seconds;

use crate::h1::write;

/// Where a caller stands, to be told with an answer.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The rules that its request was judged by.
    pub rules: &'a Rules,
    /// Who it is, where that is known: it may bring limits along.
    pub caller: Option<&'a CredentialEntry>,
    /// Where it stands.
    pub standings: &'a Standings,
    /// The limit that its request exceeded.
    pub exceeded: Option<LimitId>,
    /// The decision, which knows its second.
    pub decision: DecisionId,
}

impl Told<'_> {
    /// Sets the fields, in place of any that are there.
    pub fn set(&self, headers: &mut HeaderMap) {
        self.visit(|name, write| {
            let mut value = Vec::new();
            write(&mut value);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        });
    }

    /// Writes the fields as lines of a head, their names in lower case.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.visit(|name, write| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            write(out);
            out.extend_from_slice(b"\r\n");
        });
    }

    /// Hands over each field: its name, and what writes its value.
    fn visit(&self, mut field: impl FnMut(&'static str, &dyn Fn(&mut Vec<u8>))) {
        if self.standings.is_empty() {
            return;
        }
        let fields = self.rules.limit_fields;
        if matches!(fields, LimitFields::Ietf | LimitFields::Both) {
            let policy = |value: &mut Vec<u8>, limit: &Limit, _| value.extend_from_slice(limit.policy().as_bytes());
            let standing = |value: &mut Vec<u8>, limit: &Limit, standing: Standing| {
                value.push(b'"');
                value.extend_from_slice(limit.name().as_bytes());
                parameter(value, b"\";r=", standing.remaining.into());
                if limit.comes_back() {
                    parameter(value, b";t=", whole_seconds(standing.reset));
                }
            };
            field("ratelimit-policy", &|value| list(value, self.all(), policy));
            field("ratelimit", &|value| list(value, self.all(), standing));
        }
        if matches!(fields, LimitFields::Legacy | LimitFields::Both)
            && let Some((limit, standing)) = self.nearest()
        {
            field("x-ratelimit-limit", &|value| write::number(value, limit.at_once().into()));
            field("x-ratelimit-remaining", &|value| write::number(value, standing.remaining.into()));
            if limit.comes_back() {
                field("x-ratelimit-reset", &|value| write::number(value, self.resets_at(standing)));
            }
        }
    }

    /// Whether a field of an upstream's answer gives way to one of ours: two answers to one question would be none.
    pub fn replaces(&self, name: &[u8]) -> bool {
        const IETF: [&str; 2] = ["ratelimit-policy", "ratelimit"];
        const LEGACY: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
        if self.standings.is_empty() {
            return false;
        }
        let is_one = |names: &[&str]| names.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()));
        match self.rules.limit_fields {
            LimitFields::Ietf => is_one(&IETF),
            LimitFields::Legacy => is_one(&LEGACY),
            LimitFields::Both => is_one(&IETF) || is_one(&LEGACY),
            LimitFields::None => false,
        }
    }

    fn all(&self) -> impl Iterator<Item = (&Limit, Standing)> {
        let limit = |id| self.rules.limit(id, self.caller);
        self.standings.iter().filter_map(move |standing| Some((limit(standing.limit)?, standing)))
    }

    /// The limit that was exceeded, else the one of which the smallest part is left.
    fn nearest(&self) -> Option<(&Limit, Standing)> {
        if let Some(exceeded) = self.exceeded {
            return self.all().find(|(_, standing)| standing.limit == exceeded);
        }
        let left = |(limit, standing): &(&Limit, Standing)| {
            // A part of a whole, as a number that compares: both are below 2^32.
            (u64::from(standing.remaining) << 32) / u64::from(limit.at_once().max(1))
        };
        self.all().min_by_key(left)
    }

    /// In whole seconds since the Unix epoch, and never too early.
    fn resets_at(&self, standing: Standing) -> u64 {
        let begun = u64::from(standing.reset > Duration::ZERO);
        self.decision.second().saturating_add(whole_seconds(standing.reset)).saturating_add(begun)
    }
}

/// For how long to wait (RFC 9110 §10.2.3), in whole seconds: never too short, and never 0, which many take for "at once".
pub fn retry_after(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

fn list<'a>(
    value: &mut Vec<u8>,
    all: impl Iterator<Item = (&'a Limit, Standing)>,
    item: impl Fn(&mut Vec<u8>, &Limit, Standing),
) {
    for (place, (limit, standing)) in all.enumerate() {
        if place > 0 {
            value.extend_from_slice(b", ");
        }
        item(value, limit, standing);
    }
}

fn parameter(value: &mut Vec<u8>, name: &[u8], number: u64) {
    value.extend_from_slice(name);
    write::number(value, number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up_and_never_nothing() {
        for (millis, told) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60), (60_000, 60)] {
            assert_eq!(retry_after(Duration::from_millis(millis)), told, "{millis} ms");
        }
        assert_eq!(retry_after(Duration::from_nanos(2_000_000_001)), 3);
    }
}
