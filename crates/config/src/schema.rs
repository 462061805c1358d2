//! The JSON Schema (2020-12) of the configuration, for `config schema` and editors.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::defaults::Defaults;
use crate::not_yet::NOT_YET;
use crate::settings::Settings;
use crate::show::json;

/// The schema of what this version takes, with descriptions and defaults.
pub fn schema() -> Json {
    let mut schema = schemars::schema_for!(Settings).to_value();
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    let defaults = Defaults::new();
    let mut all = json(&defaults.tree());
    // The items of `routes` have their defaults in common; the list itself has the one that it is given below.
    let routes = all.as_object_mut().and_then(|all| all.remove("routes"));
    let mut named = Map::new();
    name_defaults(&mut schema, &definitions, &all, &mut named);
    if let (Some(routes), Some(slot)) = (routes, schema.pointer_mut("/properties/routes")) {
        set(slot, "default", routes);
    }
    if let Some(required) = schema.as_object_mut() {
        required.remove("required");
    }
    if let Some(Json::Object(slots)) = schema.get_mut("$defs") {
        slots.extend(named);
        if let Some(route) = slots.get_mut("Route") {
            let mut own = json(&defaults.route());
            set(&mut own, "name", "route-N".into());
            name_defaults(route, &definitions, &own, &mut Map::new());
        }
    }
    schema
}

/// Every name that a configuration may hold, in this version or a later one.
pub(crate) fn names() -> BTreeSet<String> {
    fn collect(schema: &Json, names: &mut BTreeSet<String>) {
        match schema {
            Json::Object(fields) => {
                if let Some(Json::Object(properties)) = fields.get("properties") {
                    names.extend(properties.keys().cloned());
                }
                fields.values().for_each(|inner| collect(inner, names));
            }
            Json::Array(items) => items.iter().for_each(|inner| collect(inner, names)),
            _ => {}
        }
    }
    let mut names: BTreeSet<String> =
        NOT_YET.iter().flat_map(|path| path.split('.')).filter(|name| *name != "*").map(str::to_owned).collect();
    collect(&schema(), &mut names);
    names
}

/// Writes each default beside its name; what has one is not required. Sections that are referred to by name collect in
/// `named`.
fn name_defaults(schema: &mut Json, definitions: &Json, defaults: &Json, named: &mut Map<String, Json>) {
    let Json::Object(defaults) = defaults else { return };
    if let Some(Json::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_none_or(|name| !defaults.contains_key(name)));
    }
    let Some(Json::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, default) in defaults {
        let Some(property) = properties.get_mut(name) else { continue };
        let section = property.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
        match section.and_then(|section| Some((section.to_owned(), definitions.get(section)?.clone()))) {
            Some((section, mut inner)) => {
                name_defaults(&mut inner, definitions, default, named);
                named.insert(section, inner);
            }
            None => set(property, "default", default.clone()),
        }
    }
}

fn set(object: &mut Json, name: &str, value: Json) {
    if let Json::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}
