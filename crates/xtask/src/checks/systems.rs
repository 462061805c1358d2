//! No reference system is named in Rust (invariant 9): what they want is configuration, so their names are data.

use toml::{Table, Value};

use super::Sources;
use crate::finding::Finding;

/// The names, so that not even this crate has them in its Rust.
const NAMES: &str = "crates/xtask/reference-systems.toml";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let table: Option<Table> = sources.tree.text(NAMES).and_then(|text| text.parse().ok());
    let Some(names) = table.as_ref().and_then(|table| table.get("names")).and_then(Value::as_array) else {
        return vec![Finding::error(NAMES, 1, "the names are missing", "write `names = [\"…\"]`")];
    };
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let lines =
        sources.tree.rust().flat_map(|(path, text)| text.lines().zip(1..).map(move |(line, at)| (path, line, at)));
    lines
        .filter_map(|(path, line, at)| {
            let line = line.to_lowercase();
            let name = names.iter().find(|name| line.contains(*name))?;
            let remedy = "say it in a preset or a test table; Rust names the mechanism, never who wants it";
            Some(Finding::error(path, at, format!("`{name}` is named in Rust"), remedy))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const NAMES: (&str, &str) = ("crates/xtask/reference-systems.toml", "names = [\"oldsys\"]");

    #[test]
    fn a_name_fails_in_code_and_in_comments() {
        let text = "//! What it is.\n\nconst X: &str = \"OLDSYS_TOKEN\";\n// as oldsys does\n";
        assert_eq!(
            said(check, &[NAMES, ("crates/a/src/lib.rs", text), ("crates/a/README.md", "oldsys")]),
            ["crates/a/src/lib.rs:3: `oldsys` is named in Rust", "crates/a/src/lib.rs:4: `oldsys` is named in Rust",]
        );
    }

    #[test]
    fn without_the_names_the_rule_is_not_silently_off() {
        assert_eq!(said(check, &[]), ["crates/xtask/reference-systems.toml:1: the names are missing"]);
    }
}
