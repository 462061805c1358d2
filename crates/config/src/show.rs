//! Each value that holds, with where it comes from, for `config show`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Serialize;
pub(crate) use serde_json::Value as Json;

use crate::node::{Node, Scalar, Style, Value};
use crate::place::{Place, Step, path_text};
use crate::secret::is_secret;

/// One value that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its place in the configuration: `routes[0].path`.
    pub path: String,
    /// The value; of a secret `(secret)`, or the reference that it came by.
    pub value: Json,
    /// `default`, `preset`, `keyward.yaml:14`, `KEYWARD_PORT` or `--port`.
    pub origin: Place,
    /// Tells values of one process apart, secrets too; it is never shown.
    #[serde(skip)]
    pub(crate) fingerprint: u64,
}

/// All values of a tree. A list of scalars is one value.
pub(crate) fn show(tree: &Node) -> Vec<Shown> {
    let mut all = Vec::new();
    walk(tree, &mut Vec::new(), &mut all);
    all
}

fn walk(node: &Node, path: &mut Vec<Step>, all: &mut Vec<Shown>) {
    let mut leaf = |value| {
        let fingerprint = fingerprint(node);
        all.push(Shown { path: path_text(path), value, origin: node.place.clone(), fingerprint });
    };
    match &node.value {
        Value::Scalar(scalar) => leaf(shown(path, scalar)),
        Value::Map(entries) if entries.is_empty() => leaf(Json::Object(serde_json::Map::new())),
        Value::Map(entries) => {
            for entry in entries {
                path.push(entry.key.as_str().into());
                walk(&entry.node, path, all);
                path.pop();
            }
        }
        Value::List(items) if items.iter().all(|item| item.scalar().is_some()) => {
            leaf(items.iter().filter_map(Node::scalar).map(|scalar| shown(path, scalar)).collect());
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.into());
                walk(item, path, all);
                path.pop();
            }
        }
    }
}

/// A digest of the texts as they count, references replaced.
fn fingerprint(node: &Node) -> u64 {
    let mut hasher = DefaultHasher::new();
    node.scalars(&mut Vec::new(), &mut |_, scalar, _| scalar.text.hash(&mut hasher));
    hasher.finish()
}

fn shown(path: &[Step], scalar: &Scalar) -> Json {
    if !scalar.references.is_empty() {
        return Json::String(format!("(from {})", scalar.references.join(", ")));
    }
    if is_secret(path, scalar) {
        return Json::String("(secret)".to_owned());
    }
    plain(scalar)
}

/// A scalar as JSON: what has no quotes and looks like null, a truth value or a whole number is one.
pub(crate) fn plain(scalar: &Scalar) -> Json {
    let text = scalar.text.as_str();
    match text {
        _ if scalar.is_null() => Json::Null,
        "true" | "false" if scalar.style != Style::Quoted => Json::Bool(text == "true"),
        _ if scalar.style != Style::Quoted => text.parse::<u64>().map_or_else(|_| Json::from(text), Json::from),
        _ => Json::from(text),
    }
}

/// A tree as JSON.
pub(crate) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => plain(scalar),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.node))).collect(),
    }
}
