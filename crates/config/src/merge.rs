//! Lays a later layer over an earlier one: maps are joined name by name, everything else is replaced
//! whole.

use crate::node::{Node, Value};
use crate::place::{Step, fits};

/// What a later layer replaces whole: parts of two bodies are the body of nobody. Null takes it away.
const WHOLE: &[&str] = &["responses.*", "env.*"];

/// Lays `over` on `base`.
pub(crate) fn merge(base: &mut Node, over: Node) {
    join(base, over, &mut Vec::new());
}

fn join(base: &mut Node, over: Node, path: &mut Vec<Step>) {
    if WHOLE.iter().any(|pattern| fits(pattern, path)) {
        *base = over;
        return;
    }
    // `server:` with everything below it commented out says nothing.
    if over.is_null() && matches!(base.value, Value::Map(_)) {
        return;
    }
    if fits("schemes.*", path) {
        forget_alternatives(base, &over);
    }
    match (&mut base.value, over) {
        (Value::Map(entries), Node { value: Value::Map(later), place }) => {
            base.place = place;
            for entry in later {
                path.push(entry.key.as_str().into());
                match entries.iter_mut().find(|earlier| earlier.key == entry.key) {
                    Some(earlier) => {
                        earlier.key_place = entry.key_place;
                        join(&mut earlier.node, entry.node, path);
                    }
                    None => entries.push(entry),
                }
                path.pop();
            }
        }
        (_, over) => *base = over,
    }
}

/// A scheme reads one carrier: naming one takes the place of the other, naming the kind that of all.
fn forget_alternatives(base: &mut Node, over: &Node) {
    if over.get("kind").is_some() || over.get("header").is_some() || over.get("authorization").is_some() {
        base.remove(&crate::place::at!["header"]);
        base.remove(&crate::place::at!["authorization"]);
    }
}
