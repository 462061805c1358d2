//! The header edits on the way to the upstream: what is removed, in which order, and what is set after.

use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_core::decision::DecisionId;
use keyward_core::machine::Permit;
use keyward_core::route::{Access, Route};
use keyward_core::rules::Rules;
use keyward_core::scheme::Scheme;

use crate::caller::{Caller, ClientAddress};
use crate::forwarding::{self, Way};
use crate::identity::{IdentityHeaders, unshared_name};
use crate::names::{CLAIMS, CollapsedSet, HOP_BY_HOP, collapse_alike, is_of_claimed_family};

/// The edits of one configuration, made ready once.
#[derive(Clone, Debug)]
pub struct HeaderEdits {
    identity: IdentityHeaders,
    removed: CollapsedSet,
    own: Vec<(HeaderName, HeaderValue)>,
    host: UpstreamHost,
}

/// Which `Host` the upstream sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamHost {
    /// The one the client sent.
    Received,
    /// The upstream's own.
    Upstream(HeaderValue),
}

/// A request as the edits see it.
pub struct Passing<'a> {
    /// The permit it passes with.
    pub permit: &'a Permit,
    /// The decision's id.
    pub decision: DecisionId,
    /// The rules it was decided by.
    pub rules: &'a Rules,
    /// Who calls.
    pub caller: &'a Caller,
    /// The header by which proxies before us tell.
    pub told_by: ClientAddress,
    /// How the client spoke to us.
    pub scheme: &'static str,
}

impl HeaderEdits {
    /// Edits that set `own` headers on every request, such as the key of the upstream itself.
    pub fn new(identity: IdentityHeaders, own: Vec<(HeaderName, HeaderValue)>, host: UpstreamHost) -> Self {
        let ours = identity.names().map(HeaderName::as_str).chain(own.iter().map(|(name, _)| name.as_str()));
        let removed = CollapsedSet::new(ours.chain(CLAIMS).chain(HOP_BY_HOP));
        Self { identity, removed, own, host }
    }

    /// A copy for one core. It shares no reference count with this one, so that cores do not slow each other down.
    pub fn unshared(&self) -> Self {
        Self {
            identity: self.identity.unshared(),
            removed: self.removed.clone(),
            own: self.own.iter().map(|(name, value)| (unshared_name(name), unshared_value(value))).collect(),
            host: match &self.host {
                UpstreamHost::Received => UpstreamHost::Received,
                UpstreamHost::Upstream(value) => UpstreamHost::Upstream(unshared_value(value)),
            },
        }
    }

    /// Applies the edits. The order matters: what `Connection` names goes first, so that it cannot remove what we set
    /// (RFC 9110 §7.6.1); then every spelling of our names and the credentials; ours are set last.
    pub fn apply(&self, headers: &mut HeaderMap, passing: &Passing<'_>) {
        remove_named_by_connection(headers);
        if let Some(route) = passing.rules.routes.get(passing.permit.route()) {
            strip_credentials(headers, route, passing.rules);
        }
        remove_all(headers, |name| self.removed.contains(name) || is_of_claimed_family(name));
        let host = headers.get(HOST).cloned();
        if let UpstreamHost::Upstream(value) = &self.host {
            headers.insert(HOST, value.clone());
        }
        let Passing { caller, scheme, told_by: header, .. } = *passing;
        forwarding::tell(headers, Way { caller, host, scheme, header });
        for (name, value) in &self.own {
            headers.insert(name, value.clone());
        }
        self.identity.set(headers, passing.permit, passing.decision);
    }
}

fn unshared_value(value: &HeaderValue) -> HeaderValue {
    let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) else { return value.clone() };
    copy.set_sensitive(value.is_sensitive());
    copy
}

/// Removes hop-by-hop fields of an answer, on its way back.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    remove_named_by_connection(headers);
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name: &HeaderName| name != HOST)
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Removes every credential that the route's schemes could read; on a public route, that any scheme could. A caller that
/// sends its key everywhere does not show it to the upstream.
fn strip_credentials(headers: &mut HeaderMap, route: &Route, rules: &Rules) {
    if route.keep_credential {
        return;
    }
    match &route.access {
        Access::Credential { schemes, .. } => strip(headers, schemes.iter().filter_map(|id| rules.scheme(*id))),
        Access::Public => strip(headers, &rules.schemes),
    }
}

fn strip<'a>(headers: &mut HeaderMap, schemes: impl IntoIterator<Item = &'a Scheme>) {
    for carrier in schemes.into_iter().map(|scheme| &scheme.carrier) {
        if carrier.strips(headers) {
            remove_all(headers, |name| collapse_alike(name, carrier.header().as_str()));
        }
    }
}

fn remove_all(headers: &mut HeaderMap, doomed: impl Fn(&str) -> bool) {
    while let Some(name) = headers.keys().find(|name| doomed(name.as_str())).cloned() {
        headers.remove(name);
    }
}
