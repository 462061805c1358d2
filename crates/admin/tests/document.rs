//! The committed document of the admin API is the one that the server serves. `UPDATE=1` writes it anew.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use serde_json::Value;

#[test]
#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn the_committed_document_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&keyward_admin::document()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json differs: UPDATE=1 cargo test -p keyward-admin --test document");
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
    let document = keyward_admin::document();
    let there: BTreeSet<&str> =
        document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    assert_eq!(there, named);
}

#[test]
fn operations_have_ids_of_their_own() {
    let document = keyward_admin::document();
    let paths = document["paths"].as_object().unwrap().values();
    let ids: Vec<&Value> =
        paths.flat_map(|path| path.as_object().unwrap().values()).map(|one| &one["operationId"]).collect();
    let different: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids.len(), different.len(), "{ids:?}");
}

fn references<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(path)) = members.get("$ref") {
                found.insert(path.strip_prefix("#/components/schemas/").unwrap());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
