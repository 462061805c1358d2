//! The rules that the operators' port goes by: a route for each operation, and schemes of its own.

use std::num::NonZeroU32;

use http::HeaderName;
use keyward_core::address::AddressRules;
use keyward_core::path::Oddities;
use keyward_core::route::{Access as Reads, Destination, Methods, Pattern, Route, Routes, ScopeRules, Several};
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::{Scope, ScopeSet};

use crate::operation::{Access, Operation};
use crate::table::OPERATIONS;

/// The rules of the operators' port, from those of the same configuration for calls. `with_keys`: whether API keys count.
pub fn control(rules: &Rules, with_keys: bool) -> Rules {
    let schemes = schemes(rules, with_keys);
    let routes = OPERATIONS.iter().enumerate();
    let routes = routes.filter_map(|(place, operation)| route(place, operation, &schemes)).collect();
    Rules {
        routes: Routes::new(routes, Vec::new()),
        schemes,
        // Lists of addresses are for calls: an operator who locked everybody out can still mend it.
        addresses: AddressRules::default(),
        issuers: Vec::new(),
        control: None,
        ..rules.clone()
    }
}

/// API keys where they count, and the console's cookie. No tokens and no passwords: what is issued for calls rules nothing.
fn schemes(rules: &Rules, with_keys: bool) -> Vec<Scheme> {
    let keys = [
        ("admin.key_header", Carrier::Header(HeaderName::from_static("x-api-key"))),
        ("admin.key_auth", Carrier::Authorization("ApiKey".into())),
        ("admin.bearer", Carrier::Authorization("Bearer".into())),
    ];
    let keys = keys.into_iter().filter(|_| with_keys);
    let keys = keys.map(|(name, carrier)| Scheme { name: name.into(), carrier, kind: CredentialKind::ApiKey });
    let cookie = Carrier::Cookie(rules.guarding.console.cookie().into());
    let session = Scheme { name: "admin.session".into(), carrier: cookie, kind: CredentialKind::Session };
    keys.chain([session]).collect()
}

fn route(place: usize, operation: &Operation, schemes: &[Scheme]) -> Option<Route> {
    let path = operation.full_path();
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "*" } else { segment });
    let pattern = segments.collect::<Vec<_>>().join("/");
    let of_kinds = |fits: fn(CredentialKind) -> bool| {
        let held = schemes.iter().enumerate().filter(|(_, scheme)| fits(scheme.kind));
        Reads::Credential { schemes: held.map(|(place, _)| SchemeId(place)).collect(), several: Several::Refuse }
    };
    let access = match operation.access {
        Access::Public => Reads::Public,
        Access::Session => of_kinds(|kind| kind == CredentialKind::Session),
        Access::Anyone | Access::Scope(_) => of_kinds(|_| true),
    };
    let needed: ScopeSet = match operation.access {
        // Spelt here and tried by a test: none is lost.
        Access::Scope(scope) => Scope::parse(scope).into_iter().collect(),
        Access::Public | Access::Session | Access::Anyone => ScopeSet::default(),
    };
    Some(Route {
        name: format!("admin:{}", operation.id).into(),
        pattern: Pattern::parse(&pattern).ok()?,
        methods: Methods::new(vec![operation.verb.method()]),
        access,
        scopes: ScopeRules { by_method: Vec::new(), otherwise: needed },
        addresses: AddressRules::default(),
        limits: Vec::new(),
        cost: NonZeroU32::MIN,
        destination: Destination::Operation(place),
        strip_prefix: None,
        keep_credential: false,
        allowed_oddities: Oddities::default(),
    })
}
