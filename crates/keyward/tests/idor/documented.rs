//! Every operation of the admin API, as its document tells of it.

use keyward_testkit::client::Answer;
use serde_json::{Map, Value, json};

use crate::attack::{Asked, Attack, Caller, METHODS};

const JSON: &str = "application/json";

/// What a parameter or a member of a body is.
enum Meaning {
    /// It names something that may be somebody's.
    Names,
    /// It names nothing; a value that fits.
    Says(Value),
}
use Meaning::{Names, Says};

/// What each parameter is. One that is not here fails the test: whoever adds it says here whether it can name what is somebody's.
fn meaning(name: &str) -> Option<Meaning> {
    Some(match name {
        "id" | "owner" | "account" | "externalId" | "search" | "user" | "username" | "actor" | "subject"
        | "principal" | "credential" | "keyId" | "cursor" | "after" | "token" | "ticket" => Names,
        "limit" => Says(json!(10)),
        "unused" | "older" => Says(json!("90d")),
        "since" | "until" | "expiresAt" => Says(json!("2030-01-01T00:00:00Z")),
        "status" => Says(json!("active")),
        "mode" => Says(json!("live")),
        "sort" => Says(json!("name")),
        "order" => Says(json!("asc")),
        "role" => Says(json!("self")),
        "action" => Says(json!("key.created")),
        "format" => Says(json!("csv")),
        "outcome" => Says(json!("allowed")),
        "route" => Says(json!("all")),
        "client" | "from" => Says(json!("127.0.0.1")),
        "span" => Says(json!("1h")),
        "by" => Says(json!("tokens")),
        "step" => Says(json!("hour")),
        "plan" | "head" => Says(Value::Null),
        "password" | "current" | "new" => Says(json!("a password for it")),
        "code" => Says(json!("000000")),
        "name" | "reason" => Says(json!("taken")),
        "roles" | "scopes" | "allowedIps" | "limits" | "headers" => Says(json!([])),
        "budget" | "change" => Says(json!("=5")),
        "metadata" => Says(json!({})),
        "overlap" => Says(json!("0")),
        "untilQuiet" => Says(json!("1h")),
        "pair" | "invite" | "atOnce" => Says(json!(false)),
        "method" => Says(json!("GET")),
        "path" => Says(json!("/orders")),
        "Idempotency-Key" | "If-Match" => Says(json!("a key for this one call")),
        _ => return None,
    })
}

/// Where an operation takes an id.
#[derive(Clone)]
enum Place {
    Path,
    Query(String),
    Body(String),
}

/// An operation of the document.
struct Operation<'d> {
    document: &'d Value,
    path: &'d str,
    verb: &'d str,
    told: &'d Value,
}

impl Operation<'_> {
    fn parameters(&self, of: &str) -> Vec<String> {
        let parameters = self.told["parameters"].as_array().into_iter().flatten();
        parameters.filter(|one| one["in"] == of).map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The members of the body, whatever it is put together from.
    fn members(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.document, &self.told["requestBody"]["content"][JSON]["schema"], &mut found);
        found
    }

    fn meaning(&self, name: &str) -> Meaning {
        meaning(name).unwrap_or_else(|| {
            panic!("{} {}: does `{name}` name what may be somebody's? `meaning` does not know it", self.verb, self.path)
        })
    }

    fn places(&self) -> Vec<Place> {
        let names = |name: &String| matches!(self.meaning(name), Names);
        let mut places = Vec::new();
        if self.path.contains('{') {
            let known = self.parameters("path").iter().all(names);
            assert!(known && self.path.matches('{').count() == 1, "{}: one id, which is tried", self.path);
            places.push(Place::Path);
        }
        self.parameters("header").iter().for_each(|name| assert!(!names(name), "{name}: a header that names"));
        places.extend(self.parameters("query").into_iter().filter(names).map(Place::Query));
        places.extend(self.members().into_iter().filter(names).map(Place::Body));
        places
    }

    /// A call of it, or of its path by another method, with an id in one place.
    fn ask(&self, method: &str, place: &Place, id: &str) -> Asked {
        let begin = self.path.find('{').unwrap_or(self.path.len());
        let end = self.path.find('}').map_or(begin, |end| end + 1);
        let in_path = if matches!(place, Place::Path) { id } else { "nothing" };
        let in_path = if begin == self.path.len() { "" } else { in_path };
        let query = match place {
            Place::Query(name) => format!("?{name}={id}"),
            _ => String::new(),
        };
        let target = format!("{}{in_path}{}{query}", &self.path[..begin], &self.path[end..]);
        let mut body: Map<String, Value> = Map::new();
        for member in self.members() {
            match (self.meaning(&member), place) {
                (Says(value), _) => drop(body.insert(member, value)),
                (Names, Place::Body(name)) if *name == member => drop(body.insert(member, json!(id))),
                (Names, _) => {}
            }
        }
        let takes_body = !matches!(method, "GET" | "HEAD" | "OPTIONS" | "DELETE");
        let body = takes_body.then(|| (JSON, Value::Object(body).to_string()));
        Asked { method: method.to_owned(), target, body }
    }
}

fn collect(document: &Value, schema: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return collect(document, document.pointer(name.trim_start_matches('#')).unwrap(), found);
    }
    found.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
    for parts in ["allOf", "anyOf", "oneOf"] {
        schema[parts].as_array().into_iter().flatten().for_each(|part| collect(document, part, found));
    }
}

/// Whoever may try here: a key and a session with scopes of `self:`, and what belongs to the other port.
fn callers(attack: &Attack<'_>) -> Vec<Caller> {
    let ours = attack.ours;
    let [cookie, csrf] = ours.desk.lines();
    let [foreign, foreign_csrf] = ours.cookie.lines();
    vec![
        ("a key", vec![format!("X-API-Key: {}", ours.key)]),
        ("a session of the console", vec![cookie, csrf]),
        ("a key as bearer", vec![format!("Authorization: Bearer {}", ours.key)]),
        ("a token", vec![format!("Authorization: Bearer {}", ours.tokens.access)]),
        ("a session of the data plane", vec![foreign.replace("keyward-session", "keyward-console"), foreign_csrf]),
    ]
}

/// Tries them all.
pub(crate) fn every_operation(attack: &Attack<'_>) {
    let text = include_str!("../../../../docs/openapi.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let port = attack.world.server().admin;
    let nobody: Caller = ("nobody", Vec::new());
    let callers = callers(attack);
    let before = attack.state();
    let mut tried = 0;
    // Whoever has scopes of `self:` alone is no operator to begin with.
    let begun: Answer = attack.world.try_console(&attack.ours.name, &attack.ours.password);
    assert_eq!((begun.status, begun.header("set-cookie")), (403, None), "{}", begun.text());
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for (verb, told) in verbs.as_object().unwrap() {
            let operation = Operation { document: &document, path, verb, told };
            let method = verb.to_ascii_uppercase();
            let is_public = told["security"].as_array().is_some_and(Vec::is_empty);
            for place in operation.places() {
                let ask = |id: &str| operation.ask(&method, &place, id);
                for id in &attack.theirs.ids {
                    // What counts here at all is tried with each id, what does not with one.
                    let who = if *id == attack.theirs.ids[0] { &callers[..] } else { &callers[..2] };
                    let who = if is_public { std::slice::from_ref(&nobody) } else { who };
                    who.iter().for_each(|caller| attack.refused(port, caller, id, &ask));
                    tried += who.len();
                }
            }
        }
        if path.contains('{') {
            let (verb, told) = verbs.as_object().unwrap().iter().next().unwrap();
            let operation = Operation { document: &document, path, verb, told };
            for method in METHODS.iter().filter(|method| verbs.get(method.to_ascii_lowercase()).is_none()) {
                let ask = |id: &str| operation.ask(method, &Place::Path, id);
                attack.theirs.ids.iter().for_each(|id| attack.refused(port, &callers[0], id, &ask));
            }
        }
        attack.unchanged(&before, path);
    }
    assert!(tried > 50 * attack.theirs.ids.len(), "{tried}: most of the document was not tried");
}
