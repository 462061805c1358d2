//! ARCHITECTURE.md names every crate and none that is gone, and every Rust file that it names exists.

use super::Sources;
use crate::finding::Finding;

const FILE: &str = "ARCHITECTURE.md";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let Some(text) = sources.tree.text(FILE) else {
        return vec![Finding::error(FILE, 1, "it is missing", "write what runs and why, and name every crate")];
    };
    let mut found = unnamed_crates(sources, text);
    for (line, at) in text.lines().zip(1..) {
        found.extend(
            words(line)
                .filter_map(|word| gone(sources, word).map(|(what, remedy)| Finding::error(FILE, at, what, remedy))),
        );
    }
    found.extend(
        crates_of_tables(text)
            .filter(|(name, _)| !sources.tree.crates().contains(name))
            .map(|(name, at)| Finding::error(FILE, at, format!("the crate `{name}` is gone"), "take its row out")),
    );
    found
}

/// Crates of the workspace that are neither `` `name` `` nor `crates/name` anywhere.
fn unnamed_crates(sources: &Sources, text: &str) -> Vec<Finding> {
    let named =
        |folder: &str| text.contains(&format!("`{folder}`")) || words(text).any(|word| crate_of(word) == Some(folder));
    let unnamed = sources.tree.crates().into_iter().filter(|folder| !named(folder));
    unnamed
        .map(|folder| {
            let remedy = "say in a row what it is for and what it may use";
            Finding::error(FILE, 1, format!("the crate `{folder}` is not named"), remedy)
        })
        .collect()
}

/// Whatever could be a path.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c))).map(|word| word.trim_end_matches('.'))
}

/// The `x` of `crates/x` and `crates/x/…`.
fn crate_of(word: &str) -> Option<&str> {
    word.trim_start_matches("./").strip_prefix("crates/")?.split('/').next().filter(|name| !name.is_empty())
}

/// What is wrong with a path, if it leads nowhere.
fn gone(sources: &Sources, word: &str) -> Option<(String, &'static str)> {
    if let Some(folder) = crate_of(word).filter(|folder| !sources.tree.crates().contains(folder)) {
        return Some((
            format!("the crate `{folder}` is gone"),
            "take it out, or name the crate that does its work now",
        ));
    }
    let path = word.trim_start_matches("./");
    let stem = path.strip_suffix(".rs").filter(|stem| !stem.is_empty() && !stem.ends_with('/'))?;
    let ending = format!("/{stem}.rs");
    let exists = sources.tree.rust().any(|(file, _)| file == path || file.ends_with(&ending));
    (!exists).then(|| (format!("`{path}` does not exist"), "name the file where it stands now, from the root on"))
}

/// The first cells of tables whose first heading is `crate`, one or several names in backticks each.
fn crates_of_tables(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut inside = false;
    let rows = text.lines().zip(1..).filter(move |(line, _)| {
        let cells = line.trim().strip_prefix('|').map(|rest| rest.split('|').next().unwrap_or_default().trim());
        inside = cells.is_some_and(|first| inside || first.eq_ignore_ascii_case("crate"));
        inside
    });
    rows.flat_map(|(line, at)| {
        let first = line.trim().trim_start_matches('|').split('|').next().unwrap_or_default();
        first.split('`').skip(1).step_by(2).map(move |name| (name.trim_start_matches("crates/"), at))
    })
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const A: (&str, &str) = ("crates/a/Cargo.toml", "");
    const B: (&str, &str) = ("crates/b/Cargo.toml", "");
    const LIB: (&str, &str) = ("crates/a/src/lib.rs", "");

    #[test]
    fn a_page_that_fits_passes() {
        let page = "| crate | what |\n|---|---|\n| `a`, `crates/b` | x |\n\nSee [lib](crates/a/src/lib.rs), `a/src/lib.rs`; `*.rs`.\n";
        assert_eq!(said(check, &[A, B, LIB, ("ARCHITECTURE.md", page)]), [""; 0]);
    }

    #[test]
    fn what_is_missing_or_gone_fails() {
        let page =
            "| crate | what |\n|---|---|\n| `a` | x |\n| `old` | y |\n\n`crates/older` and crates/a/src/gone.rs.\n";
        assert_eq!(
            said(check, &[A, B, LIB, ("ARCHITECTURE.md", page)]),
            [
                "ARCHITECTURE.md:1: the crate `b` is not named",
                "ARCHITECTURE.md:6: the crate `older` is gone",
                "ARCHITECTURE.md:6: `crates/a/src/gone.rs` does not exist",
                "ARCHITECTURE.md:4: the crate `old` is gone",
            ]
        );
    }

    #[test]
    fn no_page_at_all_fails() {
        assert_eq!(said(check, &[A]), ["ARCHITECTURE.md:1: it is missing"]);
    }
}
