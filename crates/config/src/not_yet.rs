//! Names that the configuration has for good but this version does not serve: refused with "not yet", never as unknown.

use crate::node::{Node, Value};
use crate::place::{Place, Step, at, fits, path_text};
use crate::report::Report;

/// What later versions take. Whoever builds one deletes its line and adds its section.
pub(crate) const NOT_YET: &[&str] = &[
    "data.url",
    "routes.*.observe",
    "plans",
    "accounts",
    "security.basic_auth",
    "security.sessions",
    "security.throttle",
    "security.disclose",
    "endpoints.verify",
    "endpoints.check",
];

/// Kinds of schemes that later versions take.
const KINDS: &[&str] = &["session", "basic"];

/// Schemes that exist by name; they read nothing until their kind does.
pub(crate) const SCHEMES: &[&str] = &["session", "basic"];

/// What every such refusal says.
pub(crate) const WHY: &str = "a later version will take it; nothing is ignored in silence";

/// Takes such names out of a layer and reports each.
pub(crate) fn refuse(tree: &mut Node, report: &mut Report) {
    let mut found = Vec::new();
    search(tree, &mut Vec::new(), &mut found);
    for Found { path, place, message } in found.into_iter().rev() {
        if let Some((_, mut node)) = tree.remove(&path) {
            if fits("schemes.*", &path) {
                // What the message is about stays readable.
                node.remove(&at!["kind"]);
            }
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
                let refused = if NOT_YET.iter().any(|pattern| fits(pattern, path)) {
                    Some((&entry.key_place, format!("\"{}\" is not in this version yet", path_text(path))))
                } else {
                    kind(path, &entry.node)
                };
                match refused {
                    Some((place, message)) => found.push(Found { path: path.clone(), place: place.clone(), message }),
                    None => search(&entry.node, path, found),
                }
                path.pop();
            }
        }
    }
}

/// The kind of a scheme, where it is one of a later version.
fn kind<'a>(path: &[Step], scheme: &'a Node) -> Option<(&'a Place, String)> {
    let kind = scheme.get("kind").filter(|_| fits("schemes.*", path))?;
    let name = kind.scalar().map(|scalar| scalar.text.as_str()).filter(|name| KINDS.contains(name))?;
    Some((&kind.place, format!("schemes of kind \"{name}\" are not in this version yet")))
}
