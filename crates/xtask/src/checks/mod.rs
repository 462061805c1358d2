//! The rules, one per file. Each gets the tree and says what it found.

mod architecture;
mod arrows;
mod database;
mod evidence;
mod headers;
mod permits;
mod pure_core;
mod sizes;
mod systems;
mod words;

use crate::code::Code;
use crate::finding::Finding;
use crate::tree::Tree;

/// The tree, and each Rust file of it as code.
pub(crate) struct Sources {
    pub(crate) tree: Tree,
    pub(crate) code: Vec<(String, Code)>,
}

impl Sources {
    /// Reads the code; the findings are files that are no Rust.
    pub(crate) fn of(tree: Tree) -> (Self, Vec<Finding>) {
        let mut code = Vec::new();
        let mut broken = Vec::new();
        for (path, text) in tree.rust() {
            match Code::parse(text) {
                Ok(parsed) => code.push((path.to_owned(), parsed)),
                Err(line) => broken.push(Finding::error(path, line, "this is not Rust", "ask `cargo check`")),
            }
        }
        (Self { tree, code }, broken)
    }
}

/// Every rule.
pub(crate) const ALL: &[fn(&Sources) -> Vec<Finding>] = &[
    arrows::check,
    pure_core::check,
    headers::check,
    sizes::check,
    architecture::check,
    words::check,
    permits::check,
    database::check,
    systems::check,
    evidence::check,
];

/// What one rule says of a made-up tree, as `file:line: what`.
#[cfg(test)]
fn said(check: fn(&Sources) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    let (sources, broken) = Sources::of(Tree::of(files));
    assert_eq!(broken, []);
    check(&sources).iter().map(|found| format!("{}:{}: {}", found.file, found.line, found.what)).collect()
}
