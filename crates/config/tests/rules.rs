//! Settings become the rules that decisions read: own endpoints first, names resolved, what reads nothing left out.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::World;
use http::Method;
use keyward_config::rules;
use keyward_core::digest::MacKey;
use keyward_core::route::{Access, Destination, Endpoint, Match};
use keyward_core::rules::Rules;
use keyward_core::scheme::CredentialKind;

fn compiled(text: &str) -> Rules {
    rules(&World::default().load(Some(text)).unwrap().settings, MacKey::from_bytes([7; 32]))
}

/// What the table says: `name [schemes] scopes`.
fn asked(rules: &Rules, method: &str, path: &str) -> String {
    let method: Method = method.parse().unwrap();
    let id = match rules.routes.find(path, keyward_core::route::Reading::Raw, &method) {
        Match::Route(id) => id,
        other => return format!("{other:?}").split('(').next().unwrap().to_owned(),
    };
    let route = rules.routes.get(id).unwrap();
    let access = match &route.access {
        Access::Public => "public".to_owned(),
        Access::Credential { schemes, .. } | Access::Optional { schemes, .. } => {
            let names: Vec<_> = schemes.iter().map(|id| &*rules.scheme(*id).unwrap().name).collect();
            names.join("+")
        }
    };
    let scopes: Vec<_> = route.scopes.needed(&method).map(ToString::to_string).collect();
    format!("{} {access} {}", route.name, scopes.join("+")).trim_end().to_owned()
}

fn table(text: &str, rows: &[&str]) {
    let rules = compiled(text);
    for row in rows {
        let [method, path, expected] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("three columns: {row}")
        };
        assert_eq!(asked(&rules, method, path), expected, "{row}");
    }
}

#[test]
fn by_default_every_path_needs_a_key() {
    table(
        "",
        &[
            "GET    | /                            | all key_header+key_auth+bearer",
            "POST   | /x/y                         | all key_header+key_auth+bearer",
            "GET    | /_keyward/health             | endpoints.health public",
            "HEAD   | /_keyward/health             | endpoints.health public",
            "POST   | /_keyward/health             | WrongMethod",
            "GET    | /_keyward/ready              | endpoints.ready public",
            "GET    | /_keyward/login              | WrongMethod",
            "POST   | /_keyward/login              | endpoints.login public",
            "POST   | /_keyward/refresh            | endpoints.refresh public",
            "POST   | /_keyward/logout             | endpoints.logout bearer+session",
            "GET    | /_keyward/me                 | endpoints.me key_header+key_auth+bearer+session",
            "GET    | /_keyward/jwks.json          | endpoints.jwks public",
            "GET    | /_keyward/token              | WrongMethod",
            "POST   | /_keyward/token              | endpoints.token public",
            "POST   | /_keyward/revoke             | endpoints.revoke bearer",
            "POST   | /_keyward/introspect         | endpoints.introspect key_header+key_auth+bearer keyward:tokens:read",
            "GET    | /.well-known/oauth-authorization-server | all key_header+key_auth+bearer",
            "GET    | /_keyward/verify             | UnknownOwn",
            "GET    | /_keyward/api-keys           | endpoints.api_keys key_header+key_auth+bearer+session self:keys:read",
            "HEAD   | /_keyward/api-keys           | endpoints.api_keys key_header+key_auth+bearer+session self:keys:read",
            "POST   | /_keyward/api-keys           | endpoints.api_keys key_header+key_auth+bearer+session self:keys:write",
            "DELETE | /_keyward/api-keys           | WrongMethod",
            "GET    | /_keyward/api-keys/1         | endpoints.api_keys.one key_header+key_auth+bearer+session self:keys:read",
            "PATCH  | /_keyward/api-keys/1         | endpoints.api_keys.one key_header+key_auth+bearer+session self:keys:write",
            "DELETE | /_keyward/api-keys/1         | endpoints.api_keys.one key_header+key_auth+bearer+session self:keys:write",
            "PUT    | /_keyward/api-keys/1         | WrongMethod",
            "POST   | /_keyward/api-keys/1/rotate  | endpoints.api_keys.rotate key_header+key_auth+bearer+session self:keys:write",
        ],
    );
}

#[test]
fn where_the_issuer_is_a_url_programs_can_find_the_endpoints() {
    table(
        "security: {jwt: {issuer: 'https://api.example'}}",
        &["GET | /.well-known/oauth-authorization-server | endpoints.metadata public"],
    );
}

#[test]
fn configured_routes_keep_their_order_schemes_and_scopes() {
    table(
        "schemes: {bearer: {kind: api_key, authorization: Bearer}}\n\
         endpoints: {health: null, ready: /ready, api_keys: null}\n\
         routes:\n\
         - {name: home, path: /, methods: [GET], public: true}\n\
         - {name: orders, path: /orders/**, schemes: [bearer, key_auth, basic], scopes: {GET: [r], HEAD: [h], '*': [w]}}\n\
         - {path: /rest}\n",
        &[
            "GET  | /                  | home public",
            "POST | /                  | None",
            "GET  | /orders/1          | orders bearer+key_auth r",
            "HEAD | /orders/1          | orders bearer+key_auth h",
            "PUT  | /orders/1          | orders bearer+key_auth w",
            "GET  | /rest              | route-3 key_header+key_auth+bearer",
            "GET  | /ready             | endpoints.ready public",
            "GET  | /_keyward/api-keys | UnknownOwn",
        ],
    );
}

#[test]
fn open_if_none_opens_routes_but_not_own_endpoints() {
    let open = "security: {api_keys: {open_if_none: true}}\nroutes: [{name: a, path: /**, scopes: [x]}]\n";
    table(
        open,
        &[
            "GET | / | a public",
            "GET | /_keyward/api-keys | endpoints.api_keys key_header+key_auth+bearer+session self:keys:read",
        ],
    );
    let closed = "security: {api_keys: {open_if_none: true, static: [{name: k, key: x, scopes: []}]}}";
    table(closed, &["GET | / | all key_header+key_auth+bearer"]);
}

#[test]
fn without_api_keys_nothing_reads_a_credential() {
    let keys = "security: {api_keys: {enabled: false, static: [{name: k, key: abc, scopes: [a]}]}";
    let rules = compiled(&format!("{keys}, jwt: {{enabled: false}}}}"));
    let kinds: Vec<_> = rules.schemes.iter().map(|scheme| scheme.kind).collect();
    assert!(kinds == [CredentialKind::Session] && rules.static_keys.find(b"abc").is_none());
    assert_eq!(asked(&rules, "GET", "/"), "all");
    assert_eq!(asked(&rules, "GET", "/_keyward/api-keys"), "UnknownOwn");
    // A session by cookie is no token.
    assert_eq!(asked(&rules, "POST", "/_keyward/login"), "endpoints.login public");
    assert_eq!(asked(&rules, "POST", "/_keyward/refresh"), "UnknownOwn");
    let rules = compiled(&format!("{keys}}}"));
    assert_eq!(asked(&rules, "GET", "/"), "all bearer");
    assert_eq!(asked(&rules, "POST", "/_keyward/login"), "endpoints.login public");
}

#[test]
fn basic_is_read_where_it_is_on() {
    let text = "security: {basic_auth: {enabled: true}}\nroutes: [{path: /basic, schemes: [basic]}, {path: /**}]\n";
    let rows = [
        "GET | /basic            | route-1 basic",
        "GET | /x                | route-2 key_header+key_auth+bearer+basic",
        "GET | /_keyward/me      | endpoints.me key_header+key_auth+bearer+session+basic",
    ];
    table(text, &rows);
    assert!(compiled(text).guarding.basic.is_some() && compiled("").guarding.basic.is_none());
}

#[test]
fn the_cookie_is_for_tls_alone_unless_the_server_is_for_its_own_machine() {
    let cookie = |server: &str| compiled(&format!("server: {{{server}}}")).guarding.sessions.cookie();
    for (server, expected) in [
        ("", "keyward-session"),
        ("host: '::1'", "keyward-session"),
        ("host: 0.0.0.0", "__Host-keyward-session"),
        ("trusted_proxies: [127.0.0.1]", "__Host-keyward-session"),
        ("socket: /tmp/keyward.sock", "__Host-keyward-session"),
    ] {
        assert_eq!(cookie(server), expected, "{server}");
    }
}

#[test]
fn static_keys_roles_and_destinations_arrive() {
    let rules = compiled("security: {api_keys: {static: [{name: ci, key: abc, scopes: [a]}], default_scopes: [d]}}");
    assert_eq!(&*rules.static_keys.find(b"abc").unwrap().principal.name, "ci");
    assert!(rules.static_keys.find(b"abd").is_none());
    assert_eq!(rules.default_scopes.as_ref().unwrap().as_list(), "d");
    assert_eq!(rules.roles["admin"].as_list(), "*");
    assert_eq!(rules.roles["self"].as_list(), "self:*");
    assert_eq!(rules.roles["operator"].iter().filter(|scope| scope.is_reserved()).count(), 19);
    let destinations: Vec<_> = rules.routes.iter().map(|(_, route)| route.destination).collect();
    assert_eq!(destinations.last(), Some(&Destination::Upstream(0)));
    assert!(destinations.contains(&Destination::Own(Endpoint::ApiKeys)));
}

#[test]
fn a_role_that_fits_into_no_token_is_warned_of() {
    let role = |count: usize| {
        let scopes: Vec<String> = (0..count).map(|number| format!("'service-{number}:write'")).collect();
        format!("roles:\n  few: ['a:*']\n  many: [{}]\n", scopes.join(", "))
    };
    let warnings = |text: &str| World::default().load(Some(text)).unwrap().warnings;
    assert!(warnings(&role(250)).is_empty());
    let told: Vec<String> = warnings(&role(400)).iter().map(|warning| warning.render_warning(false)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("nobody with this role can sign in") && !told[0].contains("few"), "{}", told[0]);
}
