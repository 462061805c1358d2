//! Reads the merged tree to the end in spite of mistakes: what does not fit is reported, taken out, and the tree is
//! read again, so that all mistakes come at once.

use serde::de::DeserializeOwned;

use crate::de::{Error, Fault, Reader};
use crate::defaults::Defaults;
use crate::node::Node;
use crate::place::{Place, Step};
use crate::report::Report;
use crate::secret;
use crate::suggest::suggest;

/// Reads the tree. What comes back is whole only if the report is still clean; `None` if there were too many mistakes.
pub(crate) fn read<T: DeserializeOwned>(tree: &mut Node, defaults: &Defaults, report: &mut Report) -> Option<T> {
    while !report.is_full() {
        match T::deserialize(Reader(tree)) {
            Ok(value) => return Some(value),
            Err(error) => repair(tree, defaults, &error, report)?,
        }
    }
    None
}

/// Replaces the node at a path by its default, else removes it, and forgives its parent for lacking it.
pub(crate) fn take_out(tree: &mut Node, defaults: Option<&Defaults>, path: &[Step], report: &mut Report) {
    if let Some((_, parent)) = path.split_last() {
        report.forgive(tree.place(parent));
    }
    let default = defaults.and_then(|defaults| defaults.at(path));
    match (tree.at_mut(path), default) {
        // A default that does not fit would not fit again.
        (Some(node), Some(default)) if !node.place.is_default() => *node = default.clone(),
        _ => _ = tree.remove(path),
    }
}

/// Reports one error and takes its cause out. `None` when there is nothing to take out.
fn repair(tree: &mut Node, defaults: &Defaults, error: &Error, report: &mut Report) -> Option<()> {
    let path = error.path();
    let node = tree.at(&path)?;
    if error.on_key {
        let place = key_place(tree, &path)?;
        let (message, help) = bad_name(&error.fault, &secret::shown_name(&path, node));
        report.mistake(&place, message, help);
        // Whatever stands below a name that nobody knows may be a secret.
        report.mask(node);
        tree.remove(&path)?;
        return Some(());
    }
    let place = node.place.clone();
    match &error.fault {
        Fault::Missing(_) if report.is_forgiven(&place) => {}
        Fault::Missing(name) => report.mistake(&place, format!("\"{name}\" is missing here"), needs(name)),
        Fault::Nothing => {
            report.mistake(&place, "no value stands here", ["write one, or leave the name out to have the default"]);
        }
        Fault::Shape(expected) => {
            report.mask(node);
            report.mistake(&place, format!("the value belongs in another shape: {expected}"), [] as [String; 0]);
        }
        Fault::Value(text) => {
            let mut lines = text.lines();
            let subject = node.scalar().map_or("this".to_owned(), |scalar| secret::shown(&path, scalar));
            report.mistake(&place, format!("{subject} {}", lines.next().unwrap_or("is refused")), lines);
        }
        // Unknown names come with `on_key`, above.
        Fault::Unknown { .. } => report.mistake(&place, "unknown name", [] as [String; 0]),
    }
    if path.is_empty() {
        return None;
    }
    take_out(tree, Some(defaults), &path, report);
    Some(())
}

fn key_place(tree: &Node, path: &[Step]) -> Option<Place> {
    let (Step::Key(name), parent) = path.split_last()? else { return None };
    tree.at(parent)?.entries().iter().find(|entry| entry.key == *name).map(|entry| entry.key_place.clone())
}

fn bad_name(fault: &Fault, shown: &str) -> (String, Vec<String>) {
    match fault {
        Fault::Unknown { name, known } => (format!("unknown name \"{shown}\""), suggest(name, known.iter().copied())),
        Fault::Value(text) => {
            let mut lines = text.lines().map(str::to_owned);
            (format!("this name {}", lines.next().unwrap_or_default()), lines.collect())
        }
        Fault::Missing(_) | Fault::Shape(_) | Fault::Nothing => ("this name is refused".to_owned(), Vec::new()),
    }
}

/// What to write for a name that has no default.
fn needs(name: &str) -> Vec<String> {
    let help = match name {
        "kind" => "write kind: api_key",
        "path" => "write path: /** for every path",
        "scopes" => "write scopes: [\"*\"] for all but Keyward's own administration, [] for none",
        "key" => "write key: ${env:NAME} and set that variable",
        "name" => "the name stands for the caller in decisions and at the upstream",
        _ => return Vec::new(),
    };
    vec![help.to_owned()]
}
