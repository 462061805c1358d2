//! Names that the configuration has for good but this version does not serve: refused with "not yet", never as unknown.

use crate::node::{Node, Value};
use crate::place::{Place, Step, fits, path_text};
use crate::report::Report;

/// What later versions take. Whoever builds one deletes its line and adds its section.
pub(crate) const NOT_YET: &[&str] = &["data.url", "routes.*.observe", "endpoints.verify", "endpoints.check"];

/// What every such refusal says.
pub(crate) const WHY: &str = "a later version will take it; nothing is ignored in silence";

/// Takes such names out of a layer and reports each.
pub(crate) fn refuse(tree: &mut Node, report: &mut Report) {
    let mut found = Vec::new();
    search(tree, &mut Vec::new(), &mut found);
    for Found { path, place, message } in found.into_iter().rev() {
        if let Some((_, node)) = tree.remove(&path) {
            report.mask(&node);
            report.mistake(&place, message, [WHY]);
        }
    }
}

struct Found {
    path: Vec<Step>,
    place: Place,
    message: String,
}

fn search(node: &Node, path: &mut Vec<Step>, found: &mut Vec<Found>) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.into());
                search(item, path, found);
                path.pop();
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                path.push(entry.key.as_str().into());
                if NOT_YET.iter().any(|pattern| fits(pattern, path)) {
                    let message = format!("\"{}\" is not in this version yet", path_text(path));
                    found.push(Found { path: path.clone(), place: entry.key_place.clone(), message });
                } else {
                    search(&entry.node, path, found);
                }
                path.pop();
            }
        }
    }
}
