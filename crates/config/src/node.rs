//! The tree that every layer is read into: scalars, lists and maps, each with its place.

use crate::place::{Origin, Place, Step};

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A single value, kept as text: what it is read as depends on what its name takes.
#[derive(Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// The references that were replaced in it, as written; with any of them the text is a secret.
    pub(crate) references: Vec<String>,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: may be a number, a truth value or null.
    Plain,
    /// In quotes or as a block: a text.
    Quoted,
    /// From a variable, a flag or a reference: whatever its name takes, but never null.
    Outer,
}

/// A name and its value in a map.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

impl std::fmt::Debug for Scalar {
    /// Without the text, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scalar({:?}, …)", self.style)
    }
}

impl Scalar {
    /// Whether it is null (YAML 1.2.2 §10.3.2).
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// A text given from outside the files.
    pub(crate) fn outer(text: impl Into<String>, origin: Origin) -> Self {
        let scalar = Scalar { text: text.into(), style: Style::Outer, references: Vec::new() };
        Self { value: Value::Scalar(scalar), place: Place::of(origin) }
    }

    /// A map from nodes; each name stands where its value stands.
    pub(crate) fn map<const N: usize>(place: Place, entries: [(&str, Node); N]) -> Self {
        let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), key_place: node.place.clone(), node };
        Self { value: Value::Map(entries.map(entry).into()), place }
    }

    /// The scalar, if it is one.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether it is a null.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a name.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The node at a path.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match (step, &node.value) {
            (Step::Key(key), _) => node.get(key),
            (Step::Item(index), Value::List(items)) => items.get(*index),
            _ => None,
        })
    }

    /// The node at a path, to be changed.
    pub(crate) fn at_mut(&mut self, path: &[Step]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, step| match (step, &mut node.value) {
            (Step::Key(key), Value::Map(entries)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            (Step::Item(index), Value::List(items)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// Sets a name in a map, making the map where there is none.
    pub(crate) fn set(&mut self, key: &str, node: Node) {
        match &mut self.value {
            Value::Map(entries) => match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => entry.node = node,
                None => entries.push(Entry { key: key.to_owned(), key_place: node.place.clone(), node }),
            },
            _ => *self = Self::map(node.place.clone(), [(key, node)]),
        }
    }

    /// Sets the value at a path of names, making maps on the way.
    pub(crate) fn set_at(&mut self, path: &str, node: Node) {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let Some(rest) = rest else { return self.set(first, node) };
        let mut inner = self.get(first).cloned().unwrap_or_else(|| Self::map(node.place.clone(), []));
        inner.set_at(rest, node);
        self.set(first, inner);
    }

    /// Takes the node at a path out of the tree, with the place of its name.
    pub(crate) fn remove(&mut self, path: &[Step]) -> Option<(Place, Node)> {
        let (last, parent) = path.split_last()?;
        match (last, &mut self.at_mut(parent)?.value) {
            (Step::Key(key), Value::Map(entries)) => {
                let entry = entries.remove(entries.iter().position(|entry| entry.key == *key)?);
                Some((entry.key_place, entry.node))
            }
            (Step::Item(index), Value::List(items)) if *index < items.len() => {
                let node = items.remove(*index);
                Some((node.place.clone(), node))
            }
            _ => None,
        }
    }

    /// The place of a path: of the node there, or of the nearest one above it.
    pub(crate) fn place(&self, path: &[Step]) -> Place {
        let mut depth = path.len();
        loop {
            if let Some(node) = path.get(..depth).and_then(|path| self.at(path)) {
                return node.place.clone();
            }
            depth -= 1;
        }
    }

    /// Calls `visit` with every entry of a map and the path to its value.
    pub(crate) fn names<'a>(&'a self, path: &mut Vec<Step>, visit: &mut dyn FnMut(&[Step], &'a Entry)) {
        match &self.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.into());
                    item.names(path, visit);
                    path.pop();
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    path.push(entry.key.as_str().into());
                    visit(path, entry);
                    entry.node.names(path, visit);
                    path.pop();
                }
            }
        }
    }

    /// Calls `visit` with every scalar and its path.
    pub(crate) fn scalars<'a>(&'a self, path: &mut Vec<Step>, visit: &mut dyn FnMut(&[Step], &'a Scalar, &'a Place)) {
        match &self.value {
            Value::Scalar(scalar) => visit(path, scalar, &self.place),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.into());
                    item.scalars(path, visit);
                    path.pop();
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    path.push(entry.key.as_str().into());
                    entry.node.scalars(path, visit);
                    path.pop();
                }
            }
        }
    }
}
