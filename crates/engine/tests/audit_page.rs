//! docs/reference/audit.md names every audit event that there is.

#![allow(clippy::unwrap_used, reason = "a test")]

const PAGE: &str = include_str!("../../../docs/reference/audit.md");
/// The words are written once, beside their variants.
const SOURCE: &str = include_str!("../src/audit.rs");

#[test]
fn the_page_has_a_row_for_every_event() {
    let words = SOURCE
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1.strip_suffix("\","));
    let words: Vec<&str> = words.collect();
    assert!(words.len() >= 30 && words.contains(&"key.created"), "{words:?}");
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let lacking: Vec<&&str> =
        words.iter().filter(|word| !rows.iter().any(|row| row.contains(&format!("`{word}`")))).collect();
    assert!(lacking.is_empty(), "docs/reference/audit.md has no row for {lacking:?}");
}
