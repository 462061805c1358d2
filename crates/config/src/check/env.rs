//! `env`: names that can be variables, and one thing that each does. Whether what it reaches is there, `env_table` has seen.

use serde_json::Value as Json;

use super::Look;
use crate::env_table::fill;
use crate::place::{Step, at};
use crate::settings::Variable;

pub(super) fn check(look: &mut Look<'_>) {
    let variables = &look.settings.env;
    for (name, variable) in variables.iter().filter_map(|(name, one)| Some((name, one.as_ref()?))) {
        let path = at!["env", name.as_str()];
        named(look, &path, name);
        if variable.sets.is_some() == variable.adds.is_some() {
            let help = ["as in {sets: ip.allow, split: \",\"} or {adds: security.api_keys.static, each: {…}}"];
            look.mistake(&path, "a variable sets one value, or adds to one list", help);
        }
        beside(look, name, variable);
    }
}

fn named(look: &mut Look<'_>, path: &[Step], name: &str) {
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        look.mistake(path, "this cannot be the name of a variable", ["letters, digits and _, no digit first"]);
    } else if name.starts_with("KEYWARD_") {
        look.mistake(path, "variables that begin with KEYWARD_ are Keyward's own", ["name another one"]);
    }
}

/// What goes with what.
fn beside(look: &mut Look<'_>, name: &str, variable: &Variable) {
    let Variable { sets, split, all, each, .. } = variable;
    if each.is_some() && sets.is_some() {
        look.mistake(&at!["env", name, "each"], "`each` goes with `adds`", ["it says what is added for an item"]);
    }
    if all.is_some() && (sets.is_none() || split.is_none()) {
        let help = ["it is the word for a list that holds all, as in {sets: ip.allow, split: \",\", all: \"*\"}"];
        look.mistake(&at!["env", name, "all"], "`all` goes with `sets` and `split`", help);
    }
    if split.as_deref() == Some("") {
        look.mistake(&at!["env", name, "split"], "nothing parts nothing", ["write the separator, such as \",\""]);
    }
    let unfilled = each.as_ref().and_then(unfilled);
    if let Some(text) = unfilled {
        look.mistake(
            &at!["env", name, "each"],
            format!("${{{text}}} stands for nothing here"),
            ["${value} is the item, ${index} its place from 0, ${number} its place from 1"],
        );
    }
}

/// The first name in `each` that stands for nothing.
fn unfilled(each: &Json) -> Option<String> {
    match each {
        Json::String(text) => fill(text, 0, "").err(),
        Json::Array(items) => items.iter().find_map(unfilled),
        Json::Object(fields) => fields.values().find_map(unfilled),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}
