//! The header edits on the way to the upstream: what is removed, in which order, and what is set after.

use http::header::{CONNECTION, HOST};
use http::{HeaderName, HeaderValue};
use keyward_core::cookies::{COOKIE, without_ours};
use keyward_core::decision::DecisionId;
use keyward_core::fields::{Fields, Name};
use keyward_core::machine::Permit;
use keyward_core::page::CSRF_FIELD;
use keyward_core::route::Access;
use keyward_core::rules::Rules;
use keyward_core::scheme::{Scheme, SchemeId};

use crate::caller::{Caller, ClientAddress};
use crate::cors::is_about_pages;
use crate::forwarding::{self, Way};
use crate::h1::{members, write};
use crate::identity::{IdentityHeaders, unshared_name};
use crate::names::{CLAIMS, CollapsedSet, DECISION, HOP_BY_HOP, collapse_alike, is_of_claimed_family};
use crate::trailers::is_for_heads;

/// Written anew on each connection; in other spellings nobody needs them, and an upstream may take them for the real ones.
const WRITTEN_ANEW: [&str; 3] = ["host", "content-length", "expect"];

/// The edits of one configuration, made ready once.
#[derive(Clone, Debug)]
pub struct HeaderEdits {
    identity: IdentityHeaders,
    removed: CollapsedSet,
    own: Vec<(HeaderName, HeaderValue)>,
    host: UpstreamHost,
}

/// Which `Host` the upstream sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamHost {
    /// The one the client sent.
    Received,
    /// The upstream's own.
    Upstream,
}

/// A request as the edits see it.
pub struct Passing<'a> {
    /// The permit it passes with.
    pub permit: &'a Permit,
    /// The decision's id.
    pub decision: DecisionId,
    /// The rules it was decided by.
    pub rules: &'a Rules,
    /// Their version, and that of these edits.
    pub version: u64,
    /// Who calls.
    pub caller: &'a Caller,
    /// The header by which proxies before us tell.
    pub told_by: ClientAddress,
    /// How the client spoke to us.
    pub scheme: &'static str,
    /// Whom the request was addressed to; HTTP/1.0 may name nobody.
    pub host: Option<&'a [u8]>,
    /// The upstream's own name.
    pub upstream: &'a [u8],
    /// The signed token of who calls, where upstreams are given one.
    pub token: Option<&'a [u8]>,
}

/// Takes a name and a value on their way to the upstream.
pub trait Put: FnMut(&[u8], &[u8]) {}

impl<F: FnMut(&[u8], &[u8])> Put for F {}

impl HeaderEdits {
    /// Edits that set `own` headers on every request, such as the key of the upstream itself.
    pub fn new(identity: IdentityHeaders, own: Vec<(HeaderName, HeaderValue)>, host: UpstreamHost) -> Self {
        let ours = identity.names().map(HeaderName::as_str).chain(own.iter().map(|(name, _)| name.as_str()));
        let removed = CollapsedSet::new(ours.chain(CLAIMS).chain(HOP_BY_HOP).chain(WRITTEN_ANEW));
        Self { identity, removed, own, host }
    }

    /// The headers of the configuration, which every request has.
    pub fn own(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.own.iter().map(|(name, value)| (name, value))
    }

    /// A copy for one core. It shares no reference count with this one, so that cores do not slow each other down.
    pub fn unshared(&self) -> Self {
        Self {
            identity: self.identity.unshared(),
            removed: self.removed.clone(),
            own: self.own.iter().map(|(name, value)| (unshared_name(name), unshared_value(value))).collect(),
            host: self.host,
        }
    }

    /// Gives the fields that go to the upstream, `Host` first; those that frame the body are left to whoever sends it.
    pub fn visit(&self, fields: Fields<'_>, passing: &Passing<'_>, put: &mut impl Put) {
        self.visit_all_but_caller(fields, passing, put);
        if let Some(principal) = passing.permit.principal() {
            self.identity.visit_principal(principal, put);
        }
    }

    /// Writes what [`HeaderEdits::visit`] gives as the lines of a head. Those that tell of the caller are written once and kept
    /// beside its credential.
    pub fn write(&self, fields: Fields<'_>, passing: &Passing<'_>, out: &mut Vec<u8>) {
        self.visit_all_but_caller(fields, passing, &mut |name: &[u8], value: &[u8]| write::field(out, name, value));
        if let Some(caller) = passing.permit.credential() {
            let lines = || {
                let mut lines = Vec::new();
                let put = &mut |name: &[u8], value: &[u8]| write::field(&mut lines, name, value);
                self.identity.visit_principal(&caller.principal, put);
                lines.into()
            };
            out.extend_from_slice(&caller.written.by(passing.version, lines));
        }
    }

    /// Whatever `Connection` names goes, so that it cannot remove what we set (RFC 9110 §7.6.1); then every spelling of our
    /// names, of claims and of the credentials; ours come last.
    fn visit_all_but_caller(&self, fields: Fields<'_>, passing: &Passing<'_>, put: &mut impl Put) {
        let received = passing.host.unwrap_or(passing.upstream);
        let host = match self.host {
            UpstreamHost::Received => received,
            UpstreamHost::Upstream => passing.upstream,
        };
        put(HOST.as_str().as_bytes(), host);
        let secrets = Secrets::of(fields, passing);
        let named = Named::of(fields);
        for (name, value) in fields.iter() {
            let goes = self.removed.contains(name)
                || is_of_claimed_family(name)
                || secrets.contain(name)
                || named.contain(name);
            if goes || name.is(CSRF_FIELD) {
                continue;
            }
            // Keyward's own cookie goes no further, on whatever route; those of the API do, byte for byte.
            match Some(value).filter(|_| name.is(COOKIE)).and_then(without_ours) {
                None => put(name.as_bytes(), value),
                Some(rest) if rest.is_empty() => {}
                Some(rest) => put(name.as_bytes(), &rest),
            }
        }
        let Passing { caller, host, scheme, told_by: header, .. } = *passing;
        forwarding::visit(&Way { caller, host, scheme, header }, put);
        for (name, value) in &self.own {
            put(name.as_str().as_bytes(), value.as_bytes());
        }
        self.identity.visit_decision(passing.decision, put);
        if let Some(token) = passing.token {
            put(self.identity.token.as_str().as_bytes(), token);
        }
    }

    /// Whether a field may pass in the trailer section of a request: nothing that would be removed from its head, and none that
    /// carries a credential by any scheme, since nobody looks for one there.
    pub fn pass_trailer(&self, name: Name<'_>, rules: &Rules) -> bool {
        let carries = |scheme: &Scheme| collapse_alike(name, scheme.carrier.header().as_str());
        !is_for_heads(name)
            && !self.removed.contains(name)
            && !is_of_claimed_family(name)
            && !rules.schemes.iter().any(carries)
    }
}

fn unshared_value(value: &HeaderValue) -> HeaderValue {
    let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) else { return value.clone() };
    copy.set_sensitive(value.is_sensitive());
    copy
}

/// Gives the fields of an upstream's answer that go to the client: none of one connection, and none that says that Keyward
/// answered. Those that frame the body are left to whoever sends it, except the length that an answer to HEAD tells of; those
/// about pages go only where Keyward does not answer for them.
pub fn visit_answer(fields: Fields<'_>, (keep_length, about_pages): (bool, bool), put: &mut impl Put) {
    let named = Named::of(fields);
    for (name, value) in fields.iter() {
        let is = |other: &str| name.is(other);
        let goes = !HOP_BY_HOP.iter().any(|hop| is(hop))
            && (keep_length || !is("content-length"))
            && !is(DECISION.as_str())
            && (about_pages || !is_about_pages(name.as_bytes()))
            && !named.contain(name);
        if goes {
            put(name.as_bytes(), value);
        }
    }
}

/// The fields that `Connection` names (RFC 9110 §7.6.1).
struct Named<'a>(Option<Fields<'a>>);

impl<'a> Named<'a> {
    fn of(fields: Fields<'a>) -> Self {
        // What it says mostly: such fields pass on no way.
        const OPTIONS: [&[u8]; 2] = [b"keep-alive", b"upgrade"];
        let is_option = |one: &[u8]| OPTIONS.iter().any(|option| one.eq_ignore_ascii_case(option));
        let mut options = fields.values(CONNECTION.as_str()).flat_map(members);
        Self(options.any(|one| !is_option(one)).then_some(fields))
    }

    fn contain(&self, name: Name<'_>) -> bool {
        let options = self.0.iter().flat_map(|fields| fields.values(CONNECTION.as_str())).flat_map(members);
        self.0.is_some() && { options }.any(|option| option.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// The fields that carry the credentials which the route's schemes could read; on a public route, those that any scheme
/// could. A caller that sends its key everywhere does not show it to the upstream.
struct Secrets<'a> {
    schemes: Option<(&'a [SchemeId], &'a Rules)>,
    all: &'a [Scheme],
    fields: Fields<'a>,
}

impl<'a> Secrets<'a> {
    fn of(fields: Fields<'a>, passing: &Passing<'a>) -> Self {
        let none = Self { schemes: None, all: &[], fields };
        let Some(route) = passing.rules.routes.get(passing.permit.route()).filter(|route| !route.keep_credential)
        else {
            return none;
        };
        match &route.access {
            Access::Credential { schemes, .. } | Access::Optional { schemes, .. } => {
                Self { schemes: Some((schemes, passing.rules)), ..none }
            }
            Access::Public => Self { all: &passing.rules.schemes, ..none },
        }
    }

    fn contain(&self, name: Name<'_>) -> bool {
        let (ids, rules) = self.schemes.map_or((&[][..], None), |(ids, rules)| (ids, Some(rules)));
        let named = ids.iter().filter_map(|id| rules?.scheme(*id));
        self.all
            .iter()
            .chain(named)
            .map(|scheme| &scheme.carrier)
            .any(|carrier| collapse_alike(name, carrier.header().as_str()) && carrier.strips(self.fields))
    }
}
