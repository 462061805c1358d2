//! Every endpoint of Keyward's own on the data port, by the routes that lead to them.

use std::path::PathBuf;

use keyward_config::{Flags, Input};
use keyward_core::digest::MacKey;
use keyward_core::route::{Destination, Endpoint, Route};
use keyward_testkit::oauth::form;
use keyward_testkit::world::text;
use serde_json::json;

use crate::CONFIG;
use crate::attack::{Asked, Attack, Caller, METHODS, never};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Where an endpoint takes what may name something of somebody's, or may be taken for it.
#[derive(Clone, Copy)]
enum Place {
    Path,
    Query(&'static str),
    /// In a body of JSON; what else has to be there.
    Body(&'static str),
    /// In a form, which a client sends.
    Form(&'static str),
}

/// A new endpoint does not compile here before somebody said where its ids are.
fn places(endpoint: Endpoint) -> &'static [Place] {
    use Place::{Body, Form, Path, Query};
    match endpoint {
        Endpoint::Health | Endpoint::Ready | Endpoint::Jwks | Endpoint::Metadata | Endpoint::Me | Endpoint::Logout => {
            &[]
        }
        Endpoint::ApiKeys => &[
            Query("cursor"),
            Query("search"),
            Query("owner"),
            Query("account"),
            Body("owner"),
            Body("account"),
            Body("externalId"),
            Body("replaces"),
            Body("id"),
        ],
        Endpoint::ApiKey | Endpoint::ApiKeyRotate => &[Path],
        Endpoint::Usage => &[Query("cursor"), Query("principal"), Query("credential"), Query("owner")],
        Endpoint::Login => &[Body("username")],
        Endpoint::Refresh => &[Body("refresh_token")],
        Endpoint::Token | Endpoint::Exchange => &[Form("client_id"), Form("refresh_token")],
        Endpoint::Revoke => &[Form("token")],
        Endpoint::Introspect => &[Form("token")],
        Endpoint::Portal => &[Body("token")],
    }
}

/// A request of a route, with an id in one place.
fn ask(attack: &Attack<'_>, route: &Route, (method, place): (&str, Place), id: &str) -> Asked {
    let pattern = route.pattern.as_str();
    let in_path = if matches!(place, Place::Path) { id } else { "nothing" };
    let mut target = pattern.replacen('*', in_path, 1);
    let mut body = None;
    match place {
        Place::Path if matches!(method, "POST" | "PUT" | "PATCH") => {
            body = Some((JSON, json!({"disabled": true, "overlap": "0"}).to_string()));
        }
        Place::Path => {}
        Place::Query(name) => target.push_str(&format!("?{name}={id}")),
        Place::Body(name) => {
            let mut members = json!({"name": "ours", "password": attack.ours.password});
            members[name] = json!(id);
            body = Some((JSON, members.to_string()));
        }
        Place::Form("client_id") => {
            let secret = attack.ours.pair.secret.as_str();
            let pairs = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
            body = Some((FORM, form(&pairs)));
        }
        Place::Form("refresh_token") => {
            body = Some((FORM, form(&[("grant_type", "refresh_token"), ("refresh_token", id)])));
        }
        Place::Form(name) => body = Some((FORM, form(&[(name, id)]))),
    }
    Asked { method: method.to_owned(), target, body }
}

/// Whoever may try: all that one account can show.
fn callers(attack: &Attack<'_>) -> Vec<Caller> {
    let ours = attack.ours;
    vec![
        ("a key", vec![format!("X-API-Key: {}", ours.key)]),
        ("a session", ours.cookie.lines().into()),
        ("a session of the portal", ours.portal.lines().into()),
        ("a token", vec![format!("Authorization: Bearer {}", ours.tokens.access)]),
        ("a client's token", vec![format!("Authorization: Bearer {}", ours.client.access)]),
    ]
}

/// Every route to an endpoint, by the configuration of the world.
fn routes() -> Vec<(Endpoint, Route)> {
    let loaded = keyward_config::load(Input {
        file: Some((PathBuf::from("keyward.yaml"), CONFIG.to_owned())),
        env: &|_| None,
        flags: Flags::default(),
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    });
    let rules = keyward_config::rules(&loaded.unwrap().settings, MacKey::from_bytes([1; 32]));
    let own = |route: &Route| match route.destination {
        Destination::Own(endpoint) => Some((endpoint, route.clone())),
        Destination::Upstream(_) | Destination::Operation(_) => None,
    };
    rules.routes.iter().filter_map(|(_, route)| own(route)).collect()
}

/// Tries them all.
pub(crate) fn every_endpoint(attack: &Attack<'_>) {
    let (port, ids, before) = (attack.world.server().data, &attack.theirs.ids, attack.state());
    let (nobody, client): (Caller, Caller) = (("nobody", Vec::new()), ("a client", vec![attack.ours.pair.basic()]));
    // Where a list of theirs goes on, a list of ours shows ours.
    let theirs = attack.world.call("GET", "/_keyward/api-keys?limit=1", &attack.theirs.key, "");
    let target = format!("/_keyward/api-keys?cursor={}", text(&theirs.json(), "nextCursor"));
    let told = attack.world.call("GET", &target, &attack.ours.key, "");
    assert_eq!(told.status, 200, "{}", told.text());
    assert!(!ids.iter().any(|id| told.text().contains(&format!("\"{id}\""))), "{}", told.text());
    let routes = routes();
    assert!(routes.len() >= 15, "{} routes", routes.len());
    for (endpoint, route) in &routes {
        let pattern = route.pattern.as_str();
        let has_id = pattern.contains("/*") && !pattern.contains("**");
        let known = places(*endpoint).iter().any(|place| matches!(place, Place::Path));
        assert_eq!(has_id, known, "{pattern}: is there an id in the path?");
        for place in places(*endpoint).iter().copied() {
            let everybody = callers(attack);
            let who = match place {
                // It shows itself in the form.
                Place::Form("client_id") => std::slice::from_ref(&nobody),
                Place::Form(_) => std::slice::from_ref(&client),
                _ if route.access.reads().is_none() => std::slice::from_ref(&nobody),
                _ => &everybody[..],
            };
            for method in route.methods.iter().map(http::Method::as_str) {
                let takes = match place {
                    Place::Path => true,
                    Place::Query(_) => method == "GET",
                    Place::Body(_) | Place::Form(_) => method == "POST",
                };
                for id in ids.iter().filter(|_| takes) {
                    // A key and a session are tried with each id, what may do no more than they with one.
                    let who = if *id == ids[0] { who } else { &who[..who.len().min(2)] };
                    who.iter().for_each(|caller| tell_apart(attack, (*endpoint, route), (method, place), (id, caller)));
                }
            }
            if has_id {
                let others = METHODS.iter().filter(|method| !route.methods.iter().any(|one| one.as_str() == **method));
                for (method, id) in others.flat_map(|method| ids.iter().map(move |id| (method, id))) {
                    attack.refused(port, &who[0], id, &|id| ask(attack, route, (method, place), id));
                }
            }
        }
        attack.unchanged(&before, pattern);
    }
}

/// One id in one place: refused, or answered as if it said nothing.
fn tell_apart(
    attack: &Attack<'_>,
    (endpoint, route): (Endpoint, &Route),
    (method, place): (&str, Place),
    (id, caller): (&str, &Caller),
) {
    let port = attack.world.server().data;
    let ask = |id: &str| ask(attack, route, (method, place), id);
    match (endpoint, place) {
        // What is said of others is not read here, nor made; a list is of ours alone.
        (Endpoint::ApiKeys, Place::Query(_)) => drop(attack.alike(port, caller, id, &ask)),
        (Endpoint::ApiKeys, _) => {
            let answer = attack.alike(port, caller, id, &ask);
            if answer.status == 201 {
                assert!(!text(&answer.json(), "owner").contains(&attack.theirs.name), "{}", answer.text());
            }
        }
        // It grows with each of these requests.
        (Endpoint::Usage, _) => {
            let answer = attack.send(port, caller, &ask(id));
            let never = attack.send(port, caller, &ask(&never(id)));
            assert_eq!(answer.status, never.status, "{}", answer.text());
            let told = answer.text();
            assert!(!attack.theirs.ids.iter().any(|id| told.contains(&format!("\"{id}\""))), "{told}");
        }
        // RFC 7009 §2.2 and RFC 7662 §2.2: what is no token is answered, and nothing is told of it.
        (Endpoint::Revoke | Endpoint::Introspect, _) => {
            let answer = attack.alike(port, caller, id, &ask);
            assert!(["{\"revoked\":false}", "{\"active\":false}"].contains(&answer.text().trim()), "{}", answer.text());
        }
        _ => attack.refused(port, caller, id, &ask),
    }
}

/// What only its holder has, shown by somebody else: a token in the hand of another client, a link in the place of another kind.
pub(crate) fn secrets_of_another(attack: &Attack<'_>) {
    let (world, theirs, ours, before) = (attack.world, attack.theirs, attack.ours, attack.state());
    let (data, admin) = (world.server().data, world.server().admin);
    let client: Caller = ("a client", vec![ours.pair.basic()]);
    let nobody: Caller = ("nobody", Vec::new());
    let at = |path: &str, media, body: String| Asked {
        method: "POST".into(),
        target: path.into(),
        body: Some((media, body)),
    };
    let tokens = [&theirs.tokens, &theirs.client];
    for token in tokens.iter().flat_map(|tokens| [&tokens.access, &tokens.refresh]) {
        for path in ["/_keyward/token", "/_keyward/exchange"] {
            let body = |token: &str| form(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
            attack.refused(data, &client, token, &|token| at(path, FORM, body(token)));
        }
        let told =
            attack.alike(data, &client, token, &|token| at("/_keyward/introspect", FORM, form(&[("token", token)])));
        assert_eq!(told.text().trim(), "{\"active\":false}");
        // RFC 7009 §2.1: a client that shows the token of another is refused, so that much it is told.
        let told = attack.send(data, &client, &at("/_keyward/revoke", FORM, form(&[("token", token)])));
        assert_eq!((told.status, text(&told.json(), "error").as_str()), (400, "unauthorized_client"));
        // By a bearer, whose own session ends with it: a new one each time.
        let bearer = |token: &str| {
            let line = format!("Authorization: Bearer {}", world.login(&ours.name, &ours.password).access);
            let asked = at("/_keyward/revoke", JSON, json!({"refresh_token": token}).to_string());
            attack.send(data, &("a bearer", vec![line]), &asked).text()
        };
        assert_eq!(bearer(token), bearer(&never(token)));
    }
    for key in [&theirs.pair.key, &theirs.key, &theirs.pair.secret] {
        let body = |key: &str| {
            form(&[("grant_type", "client_credentials"), ("client_id", key), ("client_secret", &ours.pair.secret)])
        };
        attack.refused(data, &nobody, key, &|key| at("/_keyward/token", FORM, body(key)));
    }
    // A link is good for what it was made for, and for nothing else.
    let secrets = [&theirs.link, &theirs.invitation, &theirs.tokens.refresh, &theirs.key];
    let elsewhere = |kind: &'static str| secrets.into_iter().filter(move |secret| !secret.starts_with(kind));
    let body = |secret: &str| json!({"token": secret}).to_string();
    for secret in elsewhere("kwprt_") {
        attack.refused(data, &nobody, secret, &|secret| at("/portal/enter", JSON, body(secret)));
    }
    for secret in elsewhere("kwinv_") {
        attack.refused(admin, &nobody, secret, &|secret| at("/admin/v1/invitations/look", JSON, body(secret)));
        let body = |secret: &str| json!({"token": secret, "password": "chosen by another"}).to_string();
        attack.refused(admin, &nobody, secret, &|secret| at("/admin/v1/invitations/accept", JSON, body(secret)));
    }
    for secret in secrets {
        let body = |secret: &str| json!({"ticket": secret, "code": "000000"}).to_string();
        attack.refused(admin, &nobody, secret, &|secret| at("/admin/v1/session/second-factor", JSON, body(secret)));
    }
    attack.unchanged(&before, "secrets of theirs");
}
