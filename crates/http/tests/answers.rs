//! What each denial and fault looks like from outside, as committed text: status, headers and body.
//!
//! `UPDATE=1 cargo test -p keyward-http --test answers` writes tests/answers.txt anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::address::AddressRules;
use keyward_core::api_key::Rejection;
use keyward_core::decision::{AddressRule, DecisionId, Denial, Fault, Forbidden, Limited, Reason};
use keyward_core::digest::MacKey;
use keyward_core::limit::{Limit, LimitFields, LimitId, Per, Standing, Standings};
use keyward_core::machine::RequestFacts;
use keyward_core::path::{Oddities, PathFault, Target};
use keyward_core::plane::Plane;
use keyward_core::route::{
    Access, Destination, Endpoint, Methods, Pattern, Route, RouteId, Routes, ScopeRules, Several,
};
use keyward_core::rules::{Rules, StaticKeys};
use keyward_core::scheme::{Carrier, CarrierFault, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::ScopeSet;
use keyward_http::answer::{UpstreamFault, denied, faulted, too_large};
use keyward_http::problem::Answer;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers.txt");

fn route(name: &str, path: &str, methods: Vec<Method>, destination: Destination) -> Route {
    Route {
        name: name.into(),
        pattern: Pattern::parse(path).unwrap(),
        methods: Methods::new(methods),
        access: Access::Credential { schemes: vec![SchemeId(0), SchemeId(1), SchemeId(2)], several: Several::Refuse },
        scopes: ScopeRules {
            by_method: Vec::new(),
            otherwise: ScopeSet::parse(["orders:read", "orders:list"]).unwrap(),
        },
        addresses: AddressRules::default(),
        limits: Vec::new(),
        cost: std::num::NonZeroU32::MIN,
        destination,
        strip_prefix: None,
        keep_credential: false,
        allowed_oddities: Oddities::default(),
    }
}

fn limit(name: &str, requests: u32, burst: Option<u32>) -> Limit {
    let number = |number| NonZeroU32::new(number).unwrap();
    Limit::new(name, Per::Key, number(requests), Duration::from_millis(59_001), burst.map(number))
}

fn standings() -> Standings {
    let mut standings = Standings::default();
    standings.push(Standing { limit: LimitId(0), remaining: 0, reset: Duration::from_millis(12_001) });
    standings.push(Standing { limit: LimitId(1), remaining: 19, reset: Duration::from_secs(1) });
    standings
}

fn rules() -> Rules {
    let scheme = |name: &str, carrier| Scheme { name: name.into(), carrier, kind: CredentialKind::ApiKey };
    let own = route("endpoints.health", "/_keyward/health", vec![Method::GET], Destination::Own(Endpoint::Health));
    Rules {
        routes: Routes::new(vec![own], vec![route("all", "/**", Vec::new(), Destination::Upstream(0))]),
        schemes: vec![
            scheme("key_header", Carrier::Header("x-api-key".parse().unwrap())),
            scheme("key_auth", Carrier::Authorization("ApiKey".into())),
            scheme("bearer", Carrier::Authorization("Bearer".into())),
        ],
        addresses: AddressRules::default(),
        roles: BTreeMap::new(),
        default_scopes: None,
        static_keys: StaticKeys::new(MacKey::from_bytes([0; 32]), []),
        limits: vec![limit("per_key", 60, None), limit("burst", 600, Some(20))],
        plans: keyward_core::plan::Plans::default(),
        limit_fields: LimitFields::default(),
        guarding: Default::default(),
        control: None,
        tokens: keyward_core::token::TokenRules {
            issuer: "keyward".into(),
            audience: "keyward".into(),
            typ: "at+jwt".into(),
        },
        issuers: Vec::new(),
    }
}

fn shown(what: &str, answer: &Answer) -> String {
    let headers: String =
        answer.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    let body = String::from_utf8(answer.body().to_vec()).unwrap();
    format!("## {what}\n{}\n{headers}\n{body}\n", answer.status())
}

fn reasons() -> Vec<Reason> {
    use CarrierFault::{Empty, Grammar, Twice};
    let address = |rule| Reason::Forbidden(Forbidden::Address(rule));
    let mut all = vec![Reason::NoRoute, Reason::WrongMethod, Reason::NoCredential];
    all.extend([PathFault::DotSegment, PathFault::Semicolon, PathFault::TwoReadings].map(Reason::Path));
    all.extend([(0, Twice), (0, Empty), (1, Grammar)].map(|(id, fault)| Reason::Malformed(SchemeId(id), fault)));
    all.push(Reason::Ambiguous(SchemeId(0), SchemeId(2)));
    all.extend(
        [Rejection::Unknown, Rejection::Expired, Rejection::Disabled, Rejection::Revoked, Rejection::Repeated]
            .map(Reason::Rejected),
    );
    all.push(Reason::Forbidden(Forbidden::Scope));
    all.extend([AddressRule::Global, AddressRule::Route, AddressRule::ApiKey, AddressRule::Account].map(address));
    all
}

fn over() -> Limited {
    Limited { limit: LimitId(0), retry_after: Duration::from_millis(12_001) }
}

#[test]
fn every_answer() {
    let rules = rules();
    let id = DecisionId::new(1, 0, 1_700_000_000, 7);
    let headers = HeaderMap::new();
    let mut text = String::new();
    for reason in reasons() {
        let target = if reason == Reason::WrongMethod { "/_keyward/health" } else { "/orders" };
        let facts = RequestFacts {
            plane: Plane::Data,
            client: "192.0.2.1".parse().unwrap(),
            method: &Method::POST,
            target: &Target::parse(target),
            headers: (&headers).into(),
        };
        let routed = !matches!(reason, Reason::NoRoute | Reason::Path(_));
        let denial = Denial {
            reason,
            route: routed.then_some(RouteId(1)),
            scheme: Some(SchemeId(0)),
            credential: None,
            standings: None,
        };
        text.push_str(&shown(&format!("{reason:?}"), &denied(&denial, &rules, &facts, id)));
    }
    for fields in [LimitFields::Ietf, LimitFields::Legacy, LimitFields::Both, LimitFields::None] {
        let rules = Rules { limit_fields: fields, ..rules.clone() };
        let (target, reason) = (Target::parse("/orders"), Reason::Limited(over()));
        let client = "192.0.2.1".parse().unwrap();
        let facts = RequestFacts {
            plane: Plane::Data,
            client,
            method: &Method::POST,
            target: &target,
            headers: (&headers).into(),
        };
        let route = Some(RouteId(1));
        let denial = Denial { reason, route, scheme: None, credential: None, standings: Some(Box::new(standings())) };
        text.push_str(&shown(&format!("Limited, told by {fields:?}"), &denied(&denial, &rules, &facts, id)));
    }
    let faults = [
        Fault::Store,
        Fault::Busy,
        Fault::Timeout,
        Fault::Stopping,
        Fault::Limits,
        Fault::Verifier,
        Fault::Issuer,
        Fault::Bodies,
        Fault::Plan,
    ];
    for fault in faults {
        text.push_str(&shown(&format!("{fault:?}"), &faulted(fault, id)));
    }
    for fault in [UpstreamFault::Unreachable, UpstreamFault::Garbage, UpstreamFault::Timeout] {
        text.push_str(&shown(&format!("{fault:?}"), &fault.answer(id)));
    }
    text.push_str(&shown("body too large", &too_large(65_536, id)));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(FILE).unwrap(), text, "an answer changed; UPDATE=1 writes {FILE} anew");
}
