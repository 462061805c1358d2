//! Pages that say which test shows what: each file, function, row and broken variant that their tables name exists.

use super::Sources;
use crate::finding::Finding;
use crate::tree::Tree;

const ATTACKS: &str = "docs/attacks.md";
/// A page for each folder of `tests/contracts`, by its name.
const CONTRACTS: &str = "docs/contracts/";
/// Where a test stands that is named without its folder, after the folder of the page's contract.
const PLACES: [&str; 3] = ["", "crates/keyward/tests/", "tests/vectors/"];
/// What ends like this is a file, never a piece of one.
const FILES: [&str; 6] = [".rs", ".txt", ".sh", ".mjs", ".py", ".md"];
const REMEDY: &str = "name what shows it now; if nothing does, write the test";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let tree = &sources.tree;
    let mut found = Vec::new();
    for place in [ATTACKS, CONTRACTS] {
        let pages: Vec<_> = tree.at(place).filter(|(path, _)| path.ends_with(".md")).collect();
        if pages.is_empty() {
            found.push(Finding::error(place, 1, "it is missing", REMEDY));
        }
        for (path, text) in pages {
            let wrong = wrong_of(tree, path, text).into_iter();
            found.extend(wrong.map(|(line, what)| Finding::error(path, line, what, REMEDY)));
        }
    }
    found
}

/// What is wrong with a page, with its lines.
fn wrong_of(tree: &Tree, page: &str, text: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    let mut headings = Vec::new();
    for (line, at) in text.lines().zip(1..) {
        let cells = cells(line);
        if cells.is_empty() || headings.is_empty() {
            if !cells.is_empty() && !cells.iter().any(|heading| is_evidence(heading)) {
                wrong.push((at, "no column says what shows it".to_owned()));
            }
            headings = cells;
        } else if cells.len() != headings.len() {
            wrong.push((at, format!("{} cells below {} headings", cells.len(), headings.len())));
        } else {
            let columns = headings.iter().zip(cells);
            wrong.extend(columns.flat_map(|(heading, cell)| cell_of(tree, page, heading, cell)).map(|what| (at, what)));
        }
    }
    wrong
}

/// The cells of a table's row; none if the line is no row.
fn cells(line: &str) -> Vec<&str> {
    let row = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|'));
    row.map(|row| row.split('|').map(str::trim).collect()).unwrap_or_default()
}

fn is_evidence(heading: &str) -> bool {
    ["shown by", "tried by"].contains(&heading)
}

fn cell_of(tree: &Tree, page: &str, heading: &str, cell: &str) -> Vec<String> {
    if cell.is_empty() {
        vec![format!("nothing stands under `{heading}`")]
    } else if cell.trim_matches('-').is_empty() {
        Vec::new()
    } else if is_evidence(heading) {
        tests_of(tree, page, cell)
    } else if heading == "broken variants" {
        variants_of(tree, cell)
    } else {
        Vec::new()
    }
}

/// Files and folders in backticks, each followed by functions or pieces of its lines.
fn tests_of(tree: &Tree, page: &str, cell: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last: Option<String> = None;
    for name in quoted(cell) {
        let file = places(page, last.as_deref()).map(|place| place + name).find(|path| tree.at(path).next().is_some());
        match (file, &last) {
            (Some(path), _) => last = Some(path),
            (None, Some(path)) if !is_file(name) => {
                if !tree.at(path).any(|(file, text)| holds(file, text, name)) {
                    wrong.push(format!("`{path}` has no `{name}`"));
                }
            }
            (None, _) => wrong.push(format!("`{name}` is no file")),
        }
    }
    if last.is_none() && wrong.is_empty() {
        wrong.push("no test is named".to_owned());
    }
    wrong
}

fn is_file(name: &str) -> bool {
    FILES.iter().any(|end| name.ends_with(end)) && !name.contains(' ')
}

/// The folders in which a name is looked for, the first that has it counts.
fn places(page: &str, last: Option<&str>) -> impl Iterator<Item = String> {
    let contract =
        page.strip_prefix(CONTRACTS).map(|name| format!("tests/contracts/{}/", name.trim_end_matches(".md")));
    let examples = contract.as_ref().map(|folder| format!("{folder}examples/"));
    let beside = last.and_then(|path| path.rsplit_once('/')).map(|(folder, _)| format!("{folder}/"));
    contract.into_iter().chain(examples).chain(PLACES.map(str::to_owned)).chain(beside)
}

/// Whether a Rust file has a function of this name, or a line these words; `…` stands for anything.
fn holds(file: &str, text: &str, words: &str) -> bool {
    let is_name = words.trim_end_matches('…').chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if file.ends_with(".rs") && is_name {
        let function = words.strip_suffix('…').map_or_else(|| format!("fn {words}("), |begin| format!("fn {begin}"));
        return text.contains(&function);
    }
    text.lines().any(|line| {
        let rest = words.split('…').try_fold(line, |rest, piece| Some(rest.split_once(piece.trim())?.1));
        rest.is_some()
    })
}

fn variants_of(tree: &Tree, cell: &str) -> Vec<String> {
    if quoted(cell).next().is_none() {
        return vec!["no broken variant is named".to_owned()];
    }
    let gone = |name: &&str| tree.text(&format!("tests/mutants/{name}.patch")).is_none();
    quoted(cell).filter(gone).map(|name| format!("`{name}` is no broken variant")).collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const FILES: [(&str, &str); 6] = [
        (
            "docs/contracts/shop.md",
            "# Shop\n\n| it says | shown by |\n|---|---|\n| x | `flow.txt`: `GET /… 401`; `a.mjs` |\n",
        ),
        ("tests/contracts/shop/flow.txt", "GET /things | 401\n"),
        ("tests/contracts/shop/examples/a.mjs", ""),
        ("crates/keyward/tests/doors.rs", "fn doors_are_shut() {}\nfn windows() {}\n// a row\n"),
        ("crates/a/tests/deep/main.rs", "fn deep() {}\n"),
        ("tests/mutants/open-door.patch", ""),
    ];

    fn page(rows: &str) -> Vec<String> {
        let text = format!("| attack | tried by | broken variants |\n|---|---|---|\n{rows}\n");
        said(check, &[&FILES[..], &[("docs/attacks.md", &text)]].concat())
    }

    #[test]
    fn what_exists_passes() {
        let rows = "| x | `doors.rs` (`doors_are…`, `windows`): `a row`; `crates/a/tests/deep`: `deep` | `open-door` |";
        assert_eq!(page(rows).iter().filter(|said| !said.contains("contracts")).count(), 0, "{:?}", page(rows));
    }

    #[test]
    fn each_thing_that_is_gone_is_named() {
        let rows = "| x | `gates.rs` | `shut-door` |\n\
                    | x | `doors.rs` (`windows_…`, `doors_are`): `two rows` | – |\n\
                    | x | nobody |  |\n\
                    | `doors.rs` | x |\n\
                    \n| attack | seen by |\n|---|---|\n";
        assert_eq!(
            page(rows),
            [
                "docs/attacks.md:3: `gates.rs` is no file",
                "docs/attacks.md:3: `shut-door` is no broken variant",
                "docs/attacks.md:4: `crates/keyward/tests/doors.rs` has no `windows_…`",
                "docs/attacks.md:4: `crates/keyward/tests/doors.rs` has no `doors_are`",
                "docs/attacks.md:4: `crates/keyward/tests/doors.rs` has no `two rows`",
                "docs/attacks.md:4: no broken variant is named",
                "docs/attacks.md:5: no test is named",
                "docs/attacks.md:5: nothing stands under `broken variants`",
                "docs/attacks.md:6: 2 cells below 3 headings",
                "docs/attacks.md:8: no column says what shows it",
            ]
        );
    }

    #[test]
    fn without_pages_the_rule_is_not_silently_off() {
        assert_eq!(said(check, &[]), ["docs/attacks.md:1: it is missing", "docs/contracts/:1: it is missing"]);
    }
}
