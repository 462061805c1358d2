//! Every Rust file of a crate opens with a `//!` sentence that says what it is for.

use super::Sources;
use crate::finding::Finding;

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let headless = |text: &str| {
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|sentence| sentence.trim().is_empty())
    };
    sources
        .tree
        .rust()
        .filter(|(path, text)| path.starts_with("crates/") && headless(text))
        .map(|(path, _)| {
            let remedy = "begin it with `//! ` and a sentence that says what the file is for";
            Finding::error(path, 1, "the file does not say what it is for", remedy)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn a_file_without_a_sentence_fails() {
        let said = said(
            check,
            &[
                ("crates/a/src/good.rs", "//! What it is for.\n"),
                ("crates/a/src/none.rs", "fn f() {}\n//! Too late.\n".split('\n').next().unwrap_or_default()),
                ("crates/a/src/empty.rs", "//!\n//! Late.\n"),
                ("crates/a/tests/nothing.rs", ""),
            ],
        );
        let files: Vec<_> = said.iter().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(files, ["crates/a/src/empty.rs", "crates/a/src/none.rs", "crates/a/tests/nothing.rs"]);
    }
}
