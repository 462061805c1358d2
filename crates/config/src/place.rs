//! Where a value comes from: which layer, and for texts which characters of it.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The layer that a value comes from, weakest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Keyward's own defaults.
    Default,
    /// A preset, by its name.
    Preset(&'static str),
    /// A configuration file, by the name it was given.
    File(Arc<str>),
    /// An environment variable.
    Env(Arc<str>),
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
}

/// A position in a text: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A stretch of a text; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

impl From<saphyr_parser::Marker> for Position {
    fn from(marker: saphyr_parser::Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

impl From<saphyr_parser::Span> for Span {
    fn from(span: saphyr_parser::Span) -> Self {
        Self { start: span.start.into(), end: span.end.into() }
    }
}

/// Where a value stands: its layer and, in a text, its stretch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The layer.
    pub origin: Origin,
    /// The stretch, for the layers that are texts.
    pub(crate) span: Option<Span>,
}

impl Place {
    /// A place in a layer that is not a text.
    pub(crate) fn of(origin: Origin) -> Self {
        Self { origin, span: None }
    }

    /// Whether Keyward's own defaults said it.
    pub(crate) fn is_default(&self) -> bool {
        self.origin == Origin::Default
    }
}

impl fmt::Display for Place {
    /// `default`, `preset`, `keyward.yaml:14`, `KEYWARD_PORT` or `--port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.span) {
            (Origin::Default, _) => f.write_str("default"),
            (Origin::Preset(_), _) => f.write_str("preset"),
            (Origin::File(name), Some(span)) => write!(f, "{name}:{}", span.start.line),
            (Origin::File(name), None) => f.write_str(name),
            (Origin::Env(name), _) => f.write_str(name),
            (Origin::Flag(name), _) => f.write_str(name),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One step from a node of the tree to a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the value of a name.
    Key(String),
    /// To an item of a list, counted from 0.
    Item(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Item(index)
    }
}

/// Builds a path from names and indices.
macro_rules! at {
    ($($step:expr),* $(,)?) => { [$($crate::place::Step::from($step)),*] };
}
pub(crate) use at;

/// A path as people read it: `routes[0].path`.
pub(crate) fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(name) if text.is_empty() => text.push_str(name),
            Step::Key(name) => text.extend([".", name]),
            Step::Item(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// Whether a path lies at a pattern such as `routes.*.limits`, where `*` is any one step.
pub(crate) fn fits(pattern: &str, path: &[Step]) -> bool {
    let mut steps = path.iter();
    for part in pattern.split('.') {
        match steps.next() {
            Some(Step::Key(name)) if part == "*" || part == name => {}
            Some(Step::Item(_)) if part == "*" => {}
            _ => return false,
        }
    }
    steps.next().is_none()
}
