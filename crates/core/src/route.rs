//! Routes: which path and method they match, what they ask for, and where what passes goes.

use std::num::NonZeroU32;

use http::Method;

use crate::address::AddressRules;
use crate::limit::LimitId;
use crate::path::{Oddities, Target, decode};
use crate::scheme::SchemeId;
use crate::scope::{Scope, ScopeSet};

/// The prefix of Keyward's own endpoints: unknown paths below it are never forwarded.
pub const OWN_PREFIX: &str = "/_keyward";

/// A pattern over whole path segments: exact text, `*` for one non-empty segment, a final `/**` for one or more
/// segments; `/**` alone matches everything, `/` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    segments: Vec<Segment>,
    tail: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// As written, and decoded.
    Exact(Box<str>, Box<str>),
    Any,
}

/// Which reading of a path is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Byte for byte as it came.
    Raw,
    /// With every escape decoded, against patterns decoded alike.
    Decoded,
}

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It does not start with `/`.
    NoSlash,
    /// `**` may only be the whole last segment.
    Tail,
    /// `*` may only be a whole segment.
    Star,
    /// A request with this path would be refused before routes are looked at.
    Unreachable(crate::path::PathFault),
    /// It holds a `?`; routes match the path alone.
    Query,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSlash => f.write_str("a path pattern starts with /"),
            Self::Tail => f.write_str("** stands only at the end, as in /docs/**"),
            Self::Star => f.write_str("* stands for one whole segment, as in /users/*/keys"),
            Self::Unreachable(fault) => {
                write!(f, "no request can match: one whose path {fault} is refused first")
            }
            Self::Query => f.write_str("routes match the path alone, without ? and query"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`], worded for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(inner) = text.strip_prefix('/') else {
            return Err(PatternError::NoSlash);
        };
        if text.contains('?') {
            return Err(PatternError::Query);
        }
        let (inner, tail) = match inner.strip_suffix("**") {
            Some("") => ("", true),
            Some(stem) => (stem.strip_suffix('/').ok_or(PatternError::Tail)?, true),
            None => (inner, false),
        };
        let mut segments = Vec::new();
        if !(tail && inner.is_empty()) {
            for segment in inner.split('/') {
                segments.push(match segment {
                    "*" => Segment::Any,
                    "**" => return Err(PatternError::Tail),
                    other if other.contains('*') => return Err(PatternError::Star),
                    other => Segment::Exact(other.into(), decode(other).map_err(PatternError::Unreachable)?.into()),
                });
            }
        }
        let sample = text.replace('*', "x");
        Target::parse(&sample).map_err(PatternError::Unreachable)?;
        if encodes_unreserved(&sample) {
            return Err(PatternError::Unreachable(crate::path::PathFault::TwoReadings));
        }
        Ok(Self { text: text.into(), segments, tail })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether every path that matches begins with these whole segments, byte for byte.
    pub fn begins_with(&self, prefix: &str) -> bool {
        let Some(wanted) = prefix.strip_prefix('/') else { return false };
        let mut segments = self.segments.iter();
        wanted.split('/').all(|part| match segments.next() {
            Some(Segment::Exact(raw, _)) => !part.is_empty() && **raw == *part,
            Some(Segment::Any) | None => false,
        })
    }

    /// Whether a path (without query) matches in one of its readings.
    pub fn matches(&self, path: &str, reading: Reading) -> bool {
        // As bytes, and each segment where it is: most patterns are let go by their first letters.
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path).as_bytes());
        for segment in &self.segments {
            let Some(here) = rest else { return false };
            let length = match (segment, reading) {
                (Segment::Exact(exact, _), Reading::Raw) | (Segment::Exact(_, exact), Reading::Decoded) => {
                    Some(exact.len()).filter(|_| here.starts_with(exact.as_bytes()))
                }
                (Segment::Any, _) => {
                    Some(here.iter().position(|byte| *byte == b'/').unwrap_or(here.len())).filter(|length| *length > 0)
                }
            };
            rest = match length.and_then(|length| here.split_at_checked(length)) {
                Some((_, [])) => None,
                Some((_, [b'/', rest @ ..])) => Some(rest),
                _ => return false,
            };
        }
        // A tail wants at least one more segment, which may be empty: /docs/ matches /docs/**, /docs does not.
        rest.is_some() == self.tail || (self.tail && self.segments.is_empty())
    }
}

/// Whether a text escapes a character that never needs it (RFC 3986 §2.3): a pattern that does is matched by no plain path.
fn encodes_unreserved(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.split('%').skip(1).any(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        u8::from_str_radix(digits, 16).is_ok_and(unreserved)
    })
}

/// The methods that a route is for; none named means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods(Vec<Method>);

impl Methods {
    /// From a list; empty means all.
    pub fn new(methods: Vec<Method>) -> Self {
        Self(methods)
    }

    /// Whether a method is among them. GET covers HEAD.
    pub fn contain(&self, method: &Method) -> bool {
        self.0.is_empty() || self.0.iter().any(|one| covers(one, method))
    }

    /// The named methods.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }
}

fn covers(named: &Method, asked: &Method) -> bool {
    named == asked || (named == Method::GET && asked == Method::HEAD)
}

/// The scopes that a route asks for, by method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeRules {
    /// Scopes of single methods; the first entry that covers the method counts.
    pub by_method: Vec<(Method, ScopeSet)>,
    /// Scopes for every other method.
    pub otherwise: ScopeSet,
}

impl ScopeRules {
    /// All scopes needed for a method.
    pub fn needed(&self, method: &Method) -> impl Iterator<Item = &Scope> {
        self.by_method
            .iter()
            .find(|(named, _)| covers(named, method))
            .map_or(&self.otherwise, |(_, scopes)| scopes)
            .iter()
    }
}

/// Keyward's own endpoints that a route can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The list of a caller's keys.
    ApiKeys,
    /// One key.
    ApiKey,
    /// Rotation of one key.
    ApiKeyRotate,
    /// Signing in.
    Login,
    /// Carrying a session on.
    Refresh,
    /// Signing out.
    Logout,
    /// Who calls.
    Me,
    /// The public halves of the signing keys.
    Jwks,
    /// Tokens for clients that show a key + secret pair (RFC 6749).
    Token,
    /// The same for clients with words of their own.
    Exchange,
    /// The end of a token and of its family (RFC 7009).
    Revoke,
    /// What a token is worth (RFC 7662).
    Introspect,
    /// Where all of these are (RFC 8414).
    Metadata,
    /// What a caller used.
    Usage,
    /// The pages of the customer portal, and the way in by a link.
    Portal,
    /// Whether the process lives.
    Health,
    /// Whether requests can be decided.
    Ready,
}

/// Where a permitted request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To an upstream, by its place in the edge's list.
    Upstream(usize),
    /// To one of Keyward's own endpoints.
    Own(Endpoint),
    /// To an operation of the operators' port, by its place in the table of them.
    Operation(usize),
}

/// What a route asks of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// No credential is read.
    Public,
    /// A credential by one of these schemes, in this order.
    Credential {
        /// Schemes in reading order.
        schemes: Vec<SchemeId>,
        /// What to do with two credentials at once.
        several: Several,
    },
    /// A credential where one is shown; who shows none is left to the endpoint, which asks for something else.
    Optional {
        /// Schemes in reading order.
        schemes: Vec<SchemeId>,
        /// What to do with two credentials at once.
        several: Several,
    },
}

impl Access {
    /// The schemes that are read, and what to do with two credentials at once; nothing on a public route.
    pub fn reads(&self) -> Option<(&[SchemeId], Several)> {
        match self {
            Self::Public => None,
            Self::Credential { schemes, several } | Self::Optional { schemes, several } => Some((schemes, *several)),
        }
    }
}

/// What to do with two credentials at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Several {
    /// 400.
    #[default]
    Refuse,
    /// The first scheme of the route wins.
    First,
}

/// One rule of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name in decisions, logs and explanations.
    pub name: Box<str>,
    /// The path.
    pub pattern: Pattern,
    /// The methods.
    pub methods: Methods,
    /// What it asks for.
    pub access: Access,
    /// The scopes needed, all of them.
    pub scopes: ScopeRules,
    /// Who may come from where.
    pub addresses: AddressRules,
    /// The limits that a request is charged to.
    pub limits: Vec<LimitId>,
    /// What it is charged.
    pub cost: NonZeroU32,
    /// Where it leads.
    pub destination: Destination,
    /// What the upstream does not see of the path: whole segments at its beginning, as written in the pattern.
    pub strip_prefix: Option<Box<str>>,
    /// Whether the credential goes on to the upstream.
    pub keep_credential: bool,
    /// Path spellings that this route allows.
    pub allowed_oddities: Oddities,
}

/// A route's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub usize);

/// The route table: Keyward's own endpoints first, then the configured routes; first match wins.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    own: usize,
    all: Vec<Route>,
}

/// What the table says of a path and method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// A route.
    Route(RouteId),
    /// An own endpoint, but not with this method.
    WrongMethod(RouteId),
    /// Below [`OWN_PREFIX`], but no endpoint.
    UnknownOwn,
    /// Nothing.
    None,
}

impl Routes {
    /// A table from own endpoints and configured routes.
    pub fn new(own: Vec<Route>, configured: Vec<Route>) -> Self {
        Self { own: own.len(), all: own.into_iter().chain(configured).collect() }
    }

    /// A route by its place.
    pub fn get(&self, id: RouteId) -> Option<&Route> {
        self.all.get(id.0)
    }

    /// All routes in order, own endpoints first.
    pub fn iter(&self) -> impl Iterator<Item = (RouteId, &Route)> {
        self.all.iter().enumerate().map(|(index, route)| (RouteId(index), route))
    }

    /// The first match for a path, in one of its readings, and a method.
    pub fn find(&self, path: &str, reading: Reading, method: &Method) -> Match {
        let mut wrong_method = None;
        for (id, route) in self.iter() {
            if id.0 == self.own
                && let Some(settled) = settled_by_own(path, wrong_method)
            {
                return settled;
            }
            if route.pattern.matches(path, reading) {
                if route.methods.contain(method) {
                    return Match::Route(id);
                }
                if id.0 < self.own {
                    wrong_method.get_or_insert(id);
                }
            }
        }
        settled_by_own(path, wrong_method).unwrap_or(Match::None)
    }

    /// The methods that own endpoints take at a path, for the `Allow` field of a 405 (RFC 9110 §10.2.1).
    pub fn own_methods<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Method> {
        self.all
            .iter()
            .take(self.own)
            .filter(move |route| route.pattern.matches(path, Reading::Raw))
            .flat_map(|route| route.methods.iter())
    }
}

fn settled_by_own(path: &str, wrong_method: Option<RouteId>) -> Option<Match> {
    if let Some(id) = wrong_method {
        return Some(Match::WrongMethod(id));
    }
    let below = path.strip_prefix(OWN_PREFIX)?;
    (below.is_empty() || below.starts_with('/')).then_some(Match::UnknownOwn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_table() {
        // pattern | path | matches
        for row in [
            "/**           | /              | yes",
            "/**           | /a/b           | yes",
            "/             | /              | yes",
            "/             | /a             | no",
            "/docs/**      | /docs          | no",
            "/docs/**      | /docs/         | yes",
            "/docs/**      | /docs/a/b      | yes",
            "/docs/**      | /docsx/a       | no",
            "/docs         | /docs/         | no",
            "/docs/        | /docs/         | yes",
            "/docs/        | /docs          | no",
            "/ws           | /wsfoo         | no",
            "/a/*          | /a/b           | yes",
            "/a/*          | /a/            | no",
            "/a/*          | /a/b/c         | no",
            "/a/*/c        | /a/b/c         | yes",
            "/a/*/**       | /a/b           | no",
            "/a/*/**       | /a/b/c         | yes",
            "/A            | /a             | no",
        ] {
            let [pattern, path, matches] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("three columns: {row}")
            };
            assert_eq!(Pattern::parse(pattern).unwrap().matches(path, Reading::Raw), matches == "yes", "{row}");
        }
    }

    #[test]
    fn refuses_patterns_that_mislead() {
        for text in ["", "docs", "/a**", "/**/a", "/a*", "/a/*b", "/a?x", "/a/../b", "/%2e", "/a b", "/%61pi"] {
            assert!(Pattern::parse(text).is_err(), "{text:?} passed");
        }
    }
}
