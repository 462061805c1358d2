//! What others collected against verifiers of signatures, run through ours: Wycheproof, the JOSE cookbook (RFC 7520, RFC 7797,
//! RFC 8037) and RFC 7515. `tests/vectors/jose.txt` holds what becomes of each; `UPDATE=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[expect(dead_code, reason = "what other libraries are asked")]
mod jose;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jose::{Row, path, rows};

/// Their padding was lost when they were written down: letter for letter they are S357, which is valid.
const NOT_WHAT_THEY_SAY: [&str; 2] = ["S367", "S370"];

#[test]
fn what_others_collected_is_judged_as_it_is_written_down() {
    let rows = rows();
    assert_eq!(rows.iter().map(|row| &row.id).collect::<BTreeSet<_>>().len(), rows.len(), "an id comes twice");
    let mut table = String::new();
    for Row { id, about, theirs, signature, verdict, .. } in &rows {
        writeln!(table, "{id} {about}: {theirs} => {signature}; {verdict}").unwrap();
        if theirs != "valid" && !NOT_WHAT_THEY_SAY.contains(&id.as_str()) {
            assert!(*signature != "right" && verdict != "accepted", "{id} {about}: {theirs}, {signature}, {verdict}");
        }
        // What is valid and refused is so for a reason that is not the signature.
        let is_ours = theirs == "valid" && *signature == "wrong";
        assert!(!is_ours || verdict != "signature" || UNSIGNED_HERE.contains(&id.as_str()), "{id} {about}: {verdict}");
    }
    assert_known(&table);
}

/// The payload is not in the text: it came another way.
const UNSIGNED_HERE: [&str; 1] = ["C:4_5.signature_with_detached_content:compact"];

#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn assert_known(table: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path("jose.txt"), table).unwrap();
    }
    let known = std::fs::read_to_string(path("jose.txt")).unwrap_or_default();
    for (line, known) in table.lines().zip(known.lines()) {
        assert_eq!(line, known, "tests/vectors/jose.txt; UPDATE=1 writes it anew");
    }
    assert_eq!(table.lines().count(), known.lines().count(), "tests/vectors/jose.txt; UPDATE=1 writes it anew");
}
