//! Settings to the rules that decisions read.

use std::num::NonZeroU32;
use std::time::Duration;

use http::Method;
use keyward_core::address::AddressRules;
use keyward_core::digest::MacKey;
use keyward_core::limit::{Limit, LimitId, Per};
use keyward_core::path::Oddities;
use keyward_core::route::{
    Access, Destination, Endpoint, Methods, Pattern, PatternError, Route, Routes, ScopeRules, Several,
};
use keyward_core::rules::{Rules, StaticKey, StaticKeys};
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::session::SessionRules;
use keyward_core::token::TokenRules;
use keyward_core::webhook::{Form, Webhook, WebhookSecret};
use secrecy::{ExposeSecret, SecretString};

use crate::guarding;
use crate::plans;
use crate::settings::{self, Settings};
use crate::text::{EndpointPath, RefreshBy};

/// The schemes that own endpoints read, as far as they exist.
const OWN_SCHEMES: [&str; 5] = ["key_header", "key_auth", "bearer", SESSION, BASIC];

/// The one by which clients of OAuth endpoints show their pairs.
const BASIC: &str = "basic";
/// The one of browsers, which have no use for OAuth endpoints.
const SESSION: &str = "session";

/// The limit that `performance.rate_limit` is short for; no other can have a name with a dot.
pub(crate) const SHORT_LIMIT: &str = "performance.rate_limit";

/// The rules of a configuration; `secret` digests operators' keys, whose texts the rules do not keep.
pub fn rules(settings: &Settings, secret: MacKey) -> Rules {
    let keys = &settings.security.api_keys;
    let static_keys = keys.static_keys.iter().filter(|_| keys.enabled).map(|key| StaticKey {
        name: &key.name,
        display: key.display.as_deref().unwrap_or(&key.name),
        secret: key.key.expose_secret().as_bytes(),
        scopes: key.scopes.clone(),
    });
    let mut limits = limits(settings);
    let plans = plans::plans(settings, limits.len());
    limits.extend(plans::limits(settings));
    let guarding = guarding::of(settings, &secret, plans.of(None));
    let schemes = schemes(settings, &guarding.sessions);
    Rules {
        routes: Routes::new(own_routes(settings, &schemes), routes(settings, &schemes)),
        schemes,
        addresses: settings.ip.clone(),
        roles: settings.roles.iter().map(|(name, scopes)| (name.as_str().into(), scopes.clone())).collect(),
        default_scopes: keys.default_scopes.clone(),
        static_keys: StaticKeys::new(secret, static_keys).on_plan(plans.of(None)),
        limits,
        plans,
        limit_fields: settings.performance.rate_limit_headers,
        tokens: token_rules(settings),
        issuers: settings.security.issuers.iter().map(settings::Issuer::rules).collect(),
        guarding,
        control: None,
    }
}

fn token_rules(settings: &Settings) -> TokenRules {
    let jwt = &settings.security.jwt;
    TokenRules {
        issuer: jwt.issuer.as_str().into(),
        audience: jwt.audience.as_str().into(),
        typ: jwt.typ.as_str().into(),
    }
}

/// The schemes that read something: those of kinds of credentials that are on.
fn schemes(settings: &Settings, sessions: &SessionRules) -> Vec<Scheme> {
    let security = &settings.security;
    let named = settings.schemes.iter().filter(|(_, scheme)| match scheme.kind {
        CredentialKind::ApiKey => security.api_keys.enabled,
        CredentialKind::Jwt => security.jwt.enabled,
        CredentialKind::Webhook => true,
        CredentialKind::Basic => security.basic_auth.enabled,
        CredentialKind::Session => true,
    });
    named
        .filter_map(|(name, one)| {
            Some(Scheme { name: name.as_str().into(), carrier: carrier((name, one), sessions)?, kind: one.kind })
        })
        .collect()
}

/// Where a scheme's credential stands; `None`: it reads nothing.
fn carrier((name, scheme): (&str, &settings::Scheme), sessions: &SessionRules) -> Option<Carrier> {
    match (scheme.kind, &scheme.header, &scheme.authorization) {
        (CredentialKind::Basic, ..) => Some(Carrier::Authorization("Basic".into())),
        (CredentialKind::Session, ..) => Some(Carrier::Cookie(sessions.cookie().into())),
        (CredentialKind::Webhook, ..) => {
            let form = scheme.form()?;
            let secret = |secret: &SecretString| match &form {
                Form::Standard { .. } => WebhookSecret::standard(secret.expose_secret()),
                _ => Some(WebhookSecret::of(secret.expose_secret())),
            };
            // What is no secret was refused by the checks.
            let secrets = scheme.all_secrets().filter_map(secret).collect();
            let webhook = Webhook::new(name, form, secrets, scheme.tolerance(), scheme.body_bytes());
            Some(Carrier::Webhook(Box::new(webhook)))
        }
        (_, Some(header), _) => Some(Carrier::Header(header.clone())),
        (_, None, Some(word)) => Some(Carrier::Authorization(word.as_str().into())),
        (_, None, None) => None,
    }
}

/// Places of schemes by name; names that read nothing are left out.
fn ids<'a>(schemes: &[Scheme], names: impl IntoIterator<Item = &'a str>) -> Vec<SchemeId> {
    let place = |name: &str| schemes.iter().position(|scheme| *scheme.name == *name).map(SchemeId);
    names.into_iter().filter_map(place).collect()
}

/// Those that own endpoints read. What a webhook proves is nothing to them.
fn own_ids(schemes: &[Scheme]) -> Vec<SchemeId> {
    let is_webhook = |id: &SchemeId| schemes.get(id.0).is_some_and(|one| one.kind == CredentialKind::Webhook);
    ids(schemes, OWN_SCHEMES).into_iter().filter(|id| !is_webhook(id)).collect()
}

fn routes(settings: &Settings, schemes: &[Scheme]) -> Vec<Route> {
    let keys = &settings.security.api_keys;
    let open = keys.open_if_none && keys.static_keys.is_empty();
    let limits = |route: &settings::Route| {
        let place = |name: &str| settings.limits.keys().position(|known| known == name).map(LimitId);
        // The short one comes after all others.
        let short = settings.performance.rate_limit.enabled.then_some(LimitId(settings.limits.len()));
        route.limits.iter().filter_map(|name| place(name)).chain(short).collect()
    };
    let there = |route: &settings::Route| {
        // A name that is not known was refused by the checks; no upstream has this place.
        let place = settings.upstreams().position(|(name, _)| name == route.upstream);
        Destination::Upstream(place.unwrap_or(usize::MAX))
    };
    settings
        .routes
        .iter()
        .map(|route| Route { limits: limits(route), destination: there(route), ..configured(route, schemes, open) })
        .collect()
}

/// The limits in the order of their names, and then the one that is written in short.
fn limits(settings: &Settings) -> Vec<Limit> {
    let named = settings.limits.iter().map(|(name, one)| {
        Limit::new(name, one.per, one.requests, one.window, one.burst).on_fault(one.on_fault.unwrap_or_default())
    });
    let short = &settings.performance.rate_limit;
    let minute = Duration::from_secs(60);
    let short = short
        .enabled
        .then(|| Limit::new(SHORT_LIMIT, Per::Address, short.requests_per_minute, minute, Some(short.burst)));
    named.chain(short).collect()
}

fn configured(route: &settings::Route, schemes: &[Scheme], open: bool) -> Route {
    let public = route.public || open;
    let access = if public {
        Access::Public
    } else {
        Access::Credential { schemes: ids(schemes, route.schemes.iter().map(String::as_str)), several: route.several }
    };
    Route {
        name: route.name.as_str().into(),
        pattern: route.path.clone(),
        methods: Methods::new(route.methods.clone()),
        access,
        scopes: if public { ScopeRules::default() } else { route.scopes.clone() },
        addresses: route.ip.clone(),
        limits: Vec::new(),
        cost: route.cost,
        destination: Destination::Upstream(0),
        strip_prefix: route.strip_prefix.as_ref().map(|prefix| prefix.as_str().into()),
        keep_credential: route.keep_credential,
        allowed_oddities: route.allow,
    }
}

/// Keyward's own endpoints. They are called `endpoints.…`, which no configured route can be.
fn own_routes(settings: &Settings, schemes: &[Scheme]) -> Vec<Route> {
    let endpoints = &settings.endpoints;
    let mut all = Vec::new();
    all.extend(sign_in_routes(settings, schemes));
    if let Some(path) = &endpoints.me {
        let access = Access::Credential { schemes: own_ids(schemes), several: Several::Refuse };
        all.push(own("endpoints.me", path.as_str().to_owned(), Endpoint::Me, access, unscoped(Method::GET)));
    }
    if let Some(path) = &endpoints.usage {
        let access = Access::Credential { schemes: own_ids(schemes), several: Several::Refuse };
        let scopes =
            ScopeRules { by_method: scoped(&[Method::GET], "self:usage:read"), otherwise: ScopeSet::default() };
        all.push(own("endpoints.usage", path.as_str().to_owned(), Endpoint::Usage, access, scopes));
    }
    if let Some(keys) = endpoints.api_keys.as_ref().filter(|_| settings.security.api_keys.enabled) {
        let access = Access::Credential { schemes: own_ids(schemes), several: Several::Refuse };
        let keys = keys.as_str();
        let scopes = |read: &[Method], write: &[Method]| ScopeRules {
            by_method: [scoped(read, "self:keys:read"), scoped(write, "self:keys:write")].concat(),
            otherwise: ScopeSet::default(),
        };
        let collection = scopes(&[Method::GET], &[Method::POST]);
        let one = scopes(&[Method::GET], &[Method::PATCH, Method::DELETE]);
        let rotate = scopes(&[], &[Method::POST]);
        all.extend([
            own("endpoints.api_keys", keys.to_owned(), Endpoint::ApiKeys, access.clone(), collection),
            own("endpoints.api_keys.one", format!("{keys}/*"), Endpoint::ApiKey, access.clone(), one),
            own("endpoints.api_keys.rotate", format!("{keys}/*/rotate"), Endpoint::ApiKeyRotate, access, rotate),
        ]);
    }
    if let Some(portal) = &settings.portal.path {
        let (there, get) = (portal.as_str(), unscoped(Method::GET));
        let enter = unscoped(Method::POST);
        all.extend([
            own("portal", there.to_owned(), Endpoint::Portal, Access::Public, get.clone()),
            own("portal.enter", format!("{there}/enter"), Endpoint::Portal, Access::Public, enter),
            own("portal.files", format!("{there}/**"), Endpoint::Portal, Access::Public, get),
        ]);
    }
    let probes = [
        ("endpoints.health", &endpoints.health, Endpoint::Health),
        ("endpoints.ready", &endpoints.ready, Endpoint::Ready),
    ];
    for (name, path, endpoint) in probes {
        let get = unscoped(Method::GET);
        let path = path.as_ref().map(|path| path.as_str().to_owned());
        all.extend(path.map(|path| own(name, path, endpoint, Access::Public, get)));
    }
    // Paths of endpoints were checked when they were read; none is lost here.
    all.into_iter().filter_map(Result::ok).collect()
}

/// Signing in, carrying on, signing out, and the public keys.
fn sign_in_routes<'a>(settings: &'a Settings, schemes: &[Scheme]) -> Vec<Result<Route, PatternError>> {
    let endpoints = &settings.endpoints;
    let of_kinds = |kinds: &[CredentialKind]| {
        let held = schemes.iter().enumerate().filter(|(_, scheme)| kinds.contains(&scheme.kind));
        held.map(|(place, _)| SchemeId(place)).collect::<Vec<_>>()
    };
    let bearer = of_kinds(&[CredentialKind::Jwt]);
    let several = Several::Refuse;
    // Tokens that nothing reads are not handed out.
    let has_tokens = !bearer.is_empty();
    let of_tokens = |path: &'a Option<EndpointPath>| if has_tokens { path } else { &None };
    let jwks = if settings.identity.token.enabled { &endpoints.jwks } else { of_tokens(&endpoints.jwks) };
    let held = Access::Credential { schemes: of_kinds(&[CredentialKind::Jwt, CredentialKind::Session]), several };
    // A client shows its pair, which these endpoints read themselves; anybody else a credential.
    let or_bearer = Access::Optional { schemes: bearer.clone(), several };
    let refresh = match settings.security.jwt.refresh_by {
        RefreshBy::Token => Access::Public,
        RefreshBy::Bearer => Access::Credential { schemes: bearer, several },
        RefreshBy::Either => or_bearer.clone(),
    };
    let keys = ids(schemes, OWN_SCHEMES.into_iter().filter(|name| ![BASIC, SESSION].contains(name)));
    let or_any = Access::Optional { schemes: keys, several };
    let metadata =
        of_tokens(&endpoints.metadata).as_ref().filter(|_| token_rules(settings).origin().is_some()).cloned();
    let table = [
        ("endpoints.login", &endpoints.login, Endpoint::Login, Method::POST, Access::Public),
        ("endpoints.refresh", of_tokens(&endpoints.refresh), Endpoint::Refresh, Method::POST, refresh),
        ("endpoints.logout", &endpoints.logout, Endpoint::Logout, Method::POST, held),
        ("endpoints.token", of_tokens(&endpoints.token), Endpoint::Token, Method::POST, Access::Public),
        ("endpoints.exchange", of_tokens(&endpoints.exchange), Endpoint::Exchange, Method::POST, Access::Public),
        ("endpoints.revoke", of_tokens(&endpoints.revoke), Endpoint::Revoke, Method::POST, or_bearer),
        ("endpoints.introspect", of_tokens(&endpoints.introspect), Endpoint::Introspect, Method::POST, or_any),
        ("endpoints.jwks", jwks, Endpoint::Jwks, Method::GET, Access::Public),
        ("endpoints.metadata", &metadata, Endpoint::Metadata, Method::GET, Access::Public),
    ];
    let route = |(name, path, endpoint, method, access)| {
        let path: &Option<EndpointPath> = path;
        let scopes = match endpoint {
            // Of everybody's tokens; a client that shows its pair sees its own.
            Endpoint::Introspect => {
                ScopeRules { by_method: scoped(&[method], "keyward:tokens:read"), otherwise: ScopeSet::default() }
            }
            _ => unscoped(method),
        };
        path.as_ref().map(|path| own(name, path.as_str().to_owned(), endpoint, access, scopes))
    };
    table.into_iter().filter_map(route).collect()
}

/// One method, for whoever may come.
fn unscoped(method: Method) -> ScopeRules {
    ScopeRules { by_method: vec![(method, ScopeSet::default())], otherwise: ScopeSet::default() }
}

/// Methods that need one scope.
fn scoped(methods: &[Method], scope: &str) -> Vec<(Method, ScopeSet)> {
    let scopes: ScopeSet = Scope::parse(scope).into_iter().collect();
    methods.iter().map(|method| (method.clone(), scopes.clone())).collect()
}

/// One own endpoint, for the methods that its scopes name.
fn own(
    name: &str,
    path: String,
    endpoint: Endpoint,
    access: Access,
    scopes: ScopeRules,
) -> Result<Route, PatternError> {
    Ok(Route {
        name: name.into(),
        pattern: Pattern::parse(&path)?,
        methods: Methods::new(scopes.by_method.iter().map(|(method, _)| method.clone()).collect()),
        access,
        scopes,
        addresses: AddressRules::default(),
        limits: Vec::new(),
        cost: NonZeroU32::MIN,
        destination: Destination::Own(endpoint),
        strip_prefix: None,
        keep_credential: false,
        allowed_oddities: Oddities::default(),
    })
}
