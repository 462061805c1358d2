//! docs/reference/configuration.md lists every name of the configuration, made from the schema.
//!
//! `UPDATE=1 cargo test -p keyward-config --test reference` writes it anew; without, a difference fails.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a test")]

use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
const MARK: &str = "<!-- made from the schema; UPDATE=1 cargo test -p keyward-config --test reference writes it -->\n";

fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

fn rows(root: &Value, node: &Value, path: &str, out: &mut String) {
    let inner = resolve(root, node);
    let Some(properties) = inner["properties"].as_object() else { return };
    for (name, property) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let target = resolve(root, property);
        let (item, map) = (resolve(root, &target["items"]), resolve(root, &target["additionalProperties"]));
        if target["properties"].is_object() {
            rows(root, property, &path, out);
            continue;
        }
        let words = property["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
        let default = property.get("default").or(target.get("default"));
        let default = default.map_or("–".to_owned(), |value| format!("`{}`", short(value)));
        out.push_str(&format!("| `{path}` | {default} | {} |\n", words.replace('\n', " ").replace('|', "\\|")));
        if item["properties"].is_object() {
            rows(root, item, &format!("{path}[]"), out);
        } else if map["properties"].is_object() {
            rows(root, map, &format!("{path}.NAME"), out);
        }
    }
}

/// A default as one writes it; what is long is told by its shape.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.len() > 80 { "(see `config show`)".to_owned() } else { text.replace('|', "\\|") }
}

#[test]
fn the_page_is_up_to_date() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (head, listed) = page.split_once(MARK).expect("the page has the mark");
    let schema = keyward_config::schema();
    let mut made = "\n| name | default | what |\n|---|---|---|\n".to_owned();
    rows(&schema, &schema, "", &mut made);
    assert!(made.lines().count() > 40, "the schema has names");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, format!("{head}{MARK}{made}")).unwrap();
    } else {
        assert_eq!(listed, made, "docs/reference/configuration.md is not what the schema says; run this with UPDATE=1");
    }
}
