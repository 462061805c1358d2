//! The names and defaults of the configuration reference hold: `contract.yaml` is its block.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use common::World;
use keyward_config::{Mistakes, Shown};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

const CONTRACT: &str = include_str!("contract.yaml");

/// Places whose values in the reference are examples.
const EXAMPLES: [&str; 9] = [
    "upstream.headers",
    "upstreams",
    "routes",
    "limits",
    "plans",
    "security.api_keys.static",
    "security.issuers",
    "responses",
    "env",
];

fn shown() -> BTreeMap<String, Value> {
    let loaded = World::default().load(None).unwrap();
    loaded.show().iter().map(|Shown { path, value, .. }| (path.clone(), value.clone())).collect()
}

/// The leaves of a text by path, read apart from the loader; a list is one leaf.
fn leaves(text: &str) -> BTreeMap<String, Value> {
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0).filter(|event| {
        !matches!(event, Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamEnd)
    });
    let root = value(&mut events);
    let mut all = BTreeMap::new();
    flatten("", &root, &mut all);
    all
}

fn value<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match events.next().unwrap() {
        Event::Scalar(text, ScalarStyle::Plain, ..) => serde_json::from_str(&text).unwrap_or(Value::from(&*text)),
        Event::Scalar(text, ..) => Value::from(&*text),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match value(events) {
                    Value::String(end) if end == "\0end" => return Value::Array(items),
                    item => items.push(item),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut fields = serde_json::Map::new();
            loop {
                match value(events) {
                    Value::String(end) if end == "\0end" => return Value::Object(fields),
                    key => _ = fields.insert(key.as_str().unwrap().to_owned(), value(events)),
                }
            }
        }
        Event::SequenceEnd | Event::MappingEnd => Value::from("\0end"),
        other => panic!("not in the reference: {other:?}"),
    }
}

fn flatten(path: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, inner) in fields {
                flatten(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, inner, all);
            }
        }
        _ => _ = all.insert(path.to_owned(), value.clone()),
    }
}

/// What the loader says of the reference itself: the places of names that are not in this version.
fn refused() -> Mistakes {
    let env = ["INNER_KEY", "CI_KEY", "STRIPE_SECRET"].map(|name| (name.to_owned(), "x".repeat(32)));
    World { env: env.into(), ..World::default() }.load(Some(CONTRACT)).unwrap_err()
}

#[test]
fn every_name_of_the_reference_is_known() {
    for mistake in refused().mistakes {
        assert!(mistake.message.contains("not in this version yet"), "{mistake:?}");
    }
}

#[test]
fn every_default_is_that_of_the_reference() {
    let refused: Vec<String> = refused()
        .mistakes
        .iter()
        .filter_map(|mistake| mistake.message.strip_prefix('"')?.split_once('"').map(|(path, _)| path.to_owned()))
        .collect();
    let later = |path: &str| {
        let kinds = ["schemes.bearer", "schemes.stripe"].map(String::from);
        let all = refused.iter().chain(&kinds).map(String::as_str).chain(EXAMPLES);
        all.into_iter().any(|name| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    let defaults = shown();
    let mut compared = 0;
    for (path, expected) in leaves(CONTRACT) {
        if later(&path) {
            continue;
        }
        compared += 1;
        assert_eq!(defaults.get(&path), Some(&expected), "{path}");
    }
    assert!(compared > 30, "only {compared} values were compared");
}

#[test]
fn the_default_route_asks_for_a_credential_everywhere() {
    let defaults = shown();
    for (path, expected) in [
        ("routes[0].name", "\"all\""),
        ("routes[0].path", "\"/**\""),
        ("routes[0].public", "false"),
        ("routes[0].methods", "[]"),
        ("routes[0].schemes", r#"["key_header","key_auth","bearer","basic"]"#),
        ("routes[0].several", "\"refuse\""),
        ("routes[0].scopes", "[]"),
        ("routes[0].keep_credential", "false"),
        ("routes[0].upstream", "\"default\""),
        ("upstream.headers", "{}"),
        ("routes[0].limits", "[]"),
        ("routes[0].cost", "1"),
        ("limits", "{}"),
        ("security.api_keys.static", "[]"),
    ] {
        assert_eq!(defaults[path].to_string(), expected, "{path}");
    }
    assert!(!defaults.contains_key("routes[1].name"));
}

#[test]
fn the_schema_has_this_versions_names_with_descriptions_and_defaults() {
    let schema = keyward_config::schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["$defs"]["Server"]["properties"]["port"]["default"], 8080);
    assert_eq!(schema["$defs"]["ServerLimits"]["properties"]["drain"]["default"], "30s");
    assert_eq!(schema["$defs"]["Route"]["required"], serde_json::json!(["path"]));
    assert_eq!(schema["$defs"]["StaticKey"]["required"], serde_json::json!(["name", "key", "scopes"]));
    let text = schema.to_string();
    assert!(!text.contains("\"observe\""), "what a later version takes");
    undescribed("", &schema);
}

fn undescribed(path: &str, schema: &Value) {
    let Value::Object(fields) = schema else { return };
    if let Some(Value::Object(properties)) = fields.get("properties") {
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{path}.{name} has no description");
        }
    }
    for (name, inner) in fields {
        undescribed(&format!("{path}.{name}"), inner);
    }
}
