//! The `env` table: variables of the operator's own naming, beside `KEYWARD_*`, that set a value or add items to a list.

use std::ffi::OsString;

use crate::node::{Entry, Node, Scalar, Style, Value};
use crate::place::{Origin, Place, Step, at};
use crate::report::Report;

/// Where an item that names no scopes has none: a key is never worth more than somebody wrote.
const KEYS: &str = "security.api_keys.static";

/// Parts that no variable reaches: what they hold says itself what stands for what.
const CLOSED: &[&str] = &["env", "responses", "requests"];

/// What one entry says, as far as it can be read; what cannot is told when the settings are.
struct Entered<'a> {
    split: Option<&'a str>,
    all: Option<&'a str>,
    ignores_empty: bool,
    each: Option<&'a Node>,
}

impl<'a> Entered<'a> {
    fn read(entry: &'a Node) -> Self {
        let text = |name: &str| entry.get(name).and_then(Node::scalar).map(|scalar| scalar.text.as_str());
        Self {
            split: text("split").filter(|by| !by.is_empty()),
            all: text("all"),
            ignores_empty: text("empty") == Some("ignore"),
            each: entry.get("each"),
        }
    }
}

/// Lays the variables that a tree's own `env` names on it.
pub(crate) fn apply(tree: &mut Node, env: &dyn Fn(&str) -> Option<OsString>, report: &mut Report) {
    let table: Vec<(String, Node)> = tree
        .at(&at!["env"])
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|entry| (entry.key.clone(), entry.node.clone()))
        .collect();
    for (name, entry) in table {
        let entered = Entered::read(&entry);
        let origin = Origin::Env(name.as_str().into());
        // Said of the table whether or not the variable is set.
        let target = target(tree, &entry, report);
        let Some(text) = value(&name, &origin, &entered, env, report) else { continue };
        let items = items(&text, &entered, &origin, report);
        match target {
            Some(Target::Value(path)) => tree.set_at(&path, single(&entered, items, &origin)),
            Some(Target::List(path)) => add(tree, &path, &entered, &origin, items),
            None => {}
        }
    }
}

/// What a variable reaches.
enum Target {
    /// What it sets.
    Value(String),
    /// What it adds to.
    List(String),
}

/// What an entry reaches, if it is there.
fn target(tree: &Node, entry: &Node, report: &mut Report) -> Option<Target> {
    let text = |name: &str| entry.get(name).filter(|node| !node.is_null()).and_then(Node::scalar);
    let (verb, path) = match (text("sets"), text("adds")) {
        (Some(sets), None) => ("sets", &sets.text),
        (None, Some(adds)) => ("adds", &adds.text),
        // Neither or both: told by the checks.
        _ => return None,
    };
    let steps: Vec<Step> = path.split('.').map(Step::from).collect();
    let open = !CLOSED.iter().any(|closed| path.split('.').next() == Some(closed));
    let place = entry.get(verb).map(|node| node.place.clone()).unwrap_or_else(|| entry.place.clone());
    match (tree.at(&steps).filter(|_| open).map(|node| &node.value), verb) {
        (Some(Value::List(_)), "adds") => Some(Target::List(path.clone())),
        (Some(_), "adds") => {
            report.mistake(&place, format!("\"{path}\" is no list"), ["`sets` is for single values"]);
            None
        }
        (Some(_), _) => Some(Target::Value(path.clone())),
        (None, _) => {
            let help = ["write the names from the top, as in limits.per_client.requests, of something that is there"];
            report.mistake(&place, format!("there is no \"{path}\" that a variable could reach"), help);
            None
        }
    }
}

/// The value of a variable that counts.
fn value(
    name: &str,
    origin: &Origin,
    entered: &Entered<'_>,
    env: &dyn Fn(&str) -> Option<OsString>,
    report: &mut Report,
) -> Option<String> {
    let mut complain = |what: &str| {
        report.mistake(&Place::of(origin.clone()), what, ["give it a value, or unset it"]);
        None
    };
    match env(name)?.into_string() {
        Err(_) => complain("is not UTF-8"),
        Ok(text) if text.trim().is_empty() && entered.ignores_empty => None,
        Ok(text) if text.trim().is_empty() => complain("is set but empty"),
        Ok(text) => Some(text),
    }
}

/// What a value holds: itself, or the items of a list, trimmed, of which blank ones are none. Nothing but separators is a mistake:
/// it could mean nobody or everybody.
fn items(text: &str, entered: &Entered<'_>, origin: &Origin, report: &mut Report) -> Vec<String> {
    let Some(split) = entered.split else { return vec![text.to_owned()] };
    if entered.all.is_some_and(|all| text.trim() == all) {
        return Vec::new();
    }
    let items: Vec<String> =
        text.split(split).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    if items.is_empty() {
        report.mistake(
            &Place::of(origin.clone()),
            "holds separators and nothing else",
            ["list something, or unset it"],
        );
    }
    items
}

/// What is set: a list where the value was split, else the value.
fn single(entered: &Entered<'_>, items: Vec<String>, origin: &Origin) -> Node {
    let mut nodes = items.into_iter().map(|item| Node::outer(item, origin.clone()));
    match entered.split {
        None => nodes.next().unwrap_or_else(|| list(Vec::new(), origin)),
        Some(_) => list(nodes.collect(), origin),
    }
}

fn add(tree: &mut Node, path: &str, entered: &Entered<'_>, origin: &Origin, items: Vec<String>) {
    let make = |(index, item): (usize, String)| {
        let Some(each) = entered.each else { return Node::outer(item, origin.clone()) };
        let mut node = filled(each, index, &item, origin);
        if path == KEYS && matches!(node.value, Value::Map(_)) && node.get("scopes").is_none() {
            node.set("scopes", list(Vec::new(), origin));
        }
        node
    };
    let steps: Vec<Step> = path.split('.').map(Step::from).collect();
    if let Some(Node { value: Value::List(list), .. }) = tree.at_mut(&steps) {
        list.extend(items.into_iter().enumerate().map(make));
    }
}

fn list(items: Vec<Node>, origin: &Origin) -> Node {
    Node { value: Value::List(items), place: Place::of(origin.clone()) }
}

/// What `each` makes of one item.
fn filled(each: &Node, index: usize, item: &str, origin: &Origin) -> Node {
    let value = match &each.value {
        Value::Scalar(scalar) => match fill(&scalar.text, index, item) {
            Ok(text) if text != scalar.text => {
                Value::Scalar(Scalar { text, style: Style::Outer, references: Vec::new() })
            }
            _ => Value::Scalar(scalar.clone()),
        },
        Value::List(items) => Value::List(items.iter().map(|one| filled(one, index, item, origin)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: Place::of(origin.clone()),
                    node: filled(&entry.node, index, item, origin),
                })
                .collect(),
        ),
    };
    Node { value, place: Place::of(origin.clone()) }
}

/// A text of `each` with what it stands for; the name that stands for nothing. What an item holds is not looked into.
pub(crate) fn fill(text: &str, index: usize, item: &str) -> Result<String, String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        made.push_str(before);
        let (name, tail) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        match name {
            "value" => made.push_str(item),
            "index" => made.push_str(&index.to_string()),
            "number" => made.push_str(&(index + 1).to_string()),
            other => return Err(other.to_owned()),
        }
        rest = tail;
    }
    made.push_str(rest);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn an_item_is_filled_in_and_not_looked_into() {
        let rows = [
            ("client-${index}", Ok("client-0")),
            ("Client ${number}", Ok("Client 1")),
            ("${value}", Ok("${index}")),
            ("a${value}b${value}", Ok("a${index}b${index}")),
            ("plain $ {", Ok("plain $ {")),
            ("${env:X}", Err("env:X")),
            ("${value", Err("value")),
        ];
        for (text, made) in rows {
            let found = fill(text, 0, "${index}");
            assert_eq!(found.as_deref().map_err(String::as_str), made, "{text}");
        }
    }
}
