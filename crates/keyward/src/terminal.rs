//! The only place that writes to stdout and stderr.

use std::io::{IsTerminal as _, Write as _};

/// Whether a person reads stdout.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Writes a line to stdout. A reader that hung up is no reason to fail.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes bytes to stdout; whether anybody still reads them.
pub fn bytes(bytes: &[u8]) -> bool {
    std::io::stdout().write_all(bytes).is_ok()
}

/// Writes a line to stderr.
pub fn warn_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a value as JSON, indented.
pub fn json(value: &impl serde::Serialize) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A table for people, without borders, columns as wide as they need.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table
        .trim_fmt()
        .lines()
        .map(|line| line.strip_prefix(" ").unwrap_or(line).trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A path as a shell takes it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What a terminal must not act on is escaped.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
