//! Files over 400 lines want a reason; functions over 60 lines want a look.

use toml::{Table, Value};

use super::Sources;
use crate::finding::Finding;

/// Lines of a file, its test module not counted.
const FILE: usize = 400;
/// Lines of a function.
const FUNCTION: usize = 60;
/// Long files and why they are: it may only shrink.
const EXCEPTIONS: &str = "crates/xtask/long-files.toml";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let exceptions: Table = match sources.tree.text(EXCEPTIONS).unwrap_or_default().parse() {
        Ok(table) => table,
        Err(error) => {
            return vec![Finding::error(EXCEPTIONS, 1, error.to_string(), "write `\"crates/…/x.rs\" = \"reason\"`")];
        }
    };
    let mut found = functions(sources);
    let mut long = Vec::new();
    for (path, code) in sources.code.iter().filter(|(path, _)| path.starts_with("crates/")) {
        let lines = sources.tree.text(path).unwrap_or_default().lines().count().saturating_sub(code.test_lines);
        if lines > FILE {
            long.push(path.as_str());
            if exceptions.get(path).and_then(Value::as_str).is_none_or(|reason| reason.trim().is_empty()) {
                let remedy = format!("split it (one thing, one file), or give the reason in {EXCEPTIONS}");
                found.push(Finding::error(
                    path,
                    1,
                    format!("{lines} lines without tests, {FILE} is the guide"),
                    remedy,
                ));
            }
        }
    }
    let idle = exceptions.keys().filter(|path| !long.contains(&path.as_str()));
    found.extend(idle.map(|path| {
        let what = format!("`{path}` is gone or no longer long");
        Finding::error(EXCEPTIONS, 1, what, "take the line out: the list may only shrink")
    }));
    found
}

fn functions(sources: &Sources) -> Vec<Finding> {
    let functions = sources.code.iter().flat_map(|(path, code)| code.functions.iter().map(move |f| (path, f)));
    functions
        .filter(|(_, function)| function.lines > FUNCTION)
        .map(|(path, function)| {
            let what = format!("`{}` has {} lines, {FUNCTION} is the guide", function.name, function.lines);
            Finding::warning(path, function.line, what, "split it where a step ends, or say in a comment why not")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    fn file(lines: usize, test_lines: usize) -> String {
        format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(lines), "\n".repeat(test_lines))
    }

    #[test]
    fn a_long_file_fails_but_tests_do_not_count() {
        let said = said(check, &[("crates/a/src/b.rs", &file(401, 0)), ("crates/a/src/c.rs", &file(400, 500))]);
        assert_eq!(said, ["crates/a/src/b.rs:1: 401 lines without tests, 400 is the guide"]);
    }

    #[test]
    fn a_reason_excuses_a_long_file_and_only_that() {
        let exceptions = "\"crates/a/src/b.rs\" = \"one table\"\n\"crates/a/src/c.rs\" = \"was long\"\n";
        let said = said(
            check,
            &[
                ("crates/a/src/b.rs", &file(500, 0)),
                ("crates/a/src/c.rs", &file(1, 0)),
                ("crates/xtask/long-files.toml", exceptions),
            ],
        );
        assert_eq!(said, ["crates/xtask/long-files.toml:1: `crates/a/src/c.rs` is gone or no longer long"]);
    }

    #[test]
    fn a_long_function_is_a_warning() {
        let text = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(59));
        assert_eq!(
            said(check, &[("crates/a/src/b.rs", &text)]),
            ["crates/a/src/b.rs:1: `f` has 61 lines, 60 is the guide"]
        );
    }
}
