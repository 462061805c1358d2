//! Words that say nothing are no names of types, modules or files.

use super::Sources;
use crate::finding::Finding;

/// Also refused with an `s`.
const EMPTY: [&str; 6] = ["manager", "helper", "util", "utility", "context", "info"];
const REMEDY: &str = "name what it is or does, in the words of ARCHITECTURE.md";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, code) in sources.code.iter().filter(|(path, _)| path.starts_with("crates/")) {
        for word in path.split('/').filter_map(|part| empty_word(part.trim_end_matches(".rs"))) {
            found.push(Finding::error(path, 1, format!("`{word}` in the name of a file says nothing"), REMEDY));
        }
        for named in &code.types {
            if let Some(word) = empty_word(&named.name) {
                let what = format!("`{word}` in `{}` says nothing", named.name);
                found.push(Finding::error(path, named.line, what, REMEDY));
            }
        }
    }
    found
}

/// The first empty word in a name of either case.
fn empty_word(name: &str) -> Option<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.into_iter().find(|word| EMPTY.contains(&word.strip_suffix('s').unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn empty_words_fail() {
        let said = said(
            check,
            &[
                ("crates/a/src/string_utils.rs", ""),
                ("crates/a/src/lib.rs", "struct KeyManager;\nenum RequestInfo {}\nmod helpers {}\ntype XContext = u8;"),
            ],
        );
        assert_eq!(
            said,
            [
                "crates/a/src/lib.rs:1: `manager` in `KeyManager` says nothing",
                "crates/a/src/lib.rs:2: `info` in `RequestInfo` says nothing",
                "crates/a/src/lib.rs:3: `helpers` in `helpers` says nothing",
                "crates/a/src/lib.rs:4: `context` in `XContext` says nothing",
                "crates/a/src/string_utils.rs:1: `utils` in the name of a file says nothing",
            ]
        );
    }

    #[test]
    fn using_a_foreign_name_and_parts_of_words_pass() {
        let text = "use std::task::Context;\nfn f(info: Context) {}\nstruct Informed;\nstruct Contexture;\n";
        assert_eq!(said(check, &[("crates/a/src/inform.rs", text)]), [""; 0]);
    }
}
